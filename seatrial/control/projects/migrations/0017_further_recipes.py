"""Repositories with several recipes. Projects that exist have one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more column."""

    dependencies = [("projects", "0016_tunnels")]

    operations = [
        migrations.AddField("project", "further_recipes", models.JSONField(default=list)),
    ]
