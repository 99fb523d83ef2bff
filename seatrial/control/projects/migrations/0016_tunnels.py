from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0015_quota'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='tunnels_allowed',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='project',
            name='tunnels_of_forks',
            field=models.BooleanField(default=False),
        ),
    ]
