"""What a deployment is trusted with. Those that exist ran as if they were trusted, and go on as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("previews", "0015_detected")]

    operations = [
        migrations.AddField(
            "deployment",
            "tier",
            models.CharField(
                choices=[("trusted", "Trusted"), ("forks", "Forks")], default="trusted", max_length=20
            ),
        ),
        migrations.AddField("deployment", "private_networks", models.BooleanField(default=False)),
    ]
