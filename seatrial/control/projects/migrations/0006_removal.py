from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("projects", "0005_pull_request_facts"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="removal_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="removal_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
