import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('previews', '0002_placement'),
    ]

    operations = [
        migrations.CreateModel(
            name='RouteMark',
            fields=[
                ('environment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='route_mark', serialize=False, to='previews.environment')),
                ('transaction', models.BigIntegerField(db_index=True)),
            ],
        ),
    ]
