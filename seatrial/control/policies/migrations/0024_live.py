"""Live policies, and the deployments that they look at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Three columns."""

    dependencies = [("policies", "0023_python")]

    operations = [
        migrations.AddField("policyversion", "live", models.BooleanField(default=False)),
        migrations.AddField("evaluation", "deployment", models.CharField(blank=True, max_length=26, default=""), preserve_default=False),
        migrations.AddField("trial", "deployment", models.CharField(blank=True, max_length=26, default=""), preserve_default=False),
    ]
