from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0017_further_recipes'),
    ]

    operations = [
        migrations.AddField(
            model_name='variable',
            name='builds',
            field=models.BooleanField(default=False),
        ),
    ]
