from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0016_tunnels'),
    ]

    operations = [
        migrations.AddField(
            model_name='variable',
            name='builds',
            field=models.BooleanField(default=False),
        ),
    ]
