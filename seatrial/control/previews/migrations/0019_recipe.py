"""Which recipe of its project a preview, and a snapshot of one, is of. What exists is of the first."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Two more columns; there is one living preview per pull request and recipe."""

    dependencies = [("previews", "0018_data"), ("projects", "0017_further_recipes")]

    operations = [
        migrations.AddField(
            "environment", "recipe", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddField("snapshot", "recipe", models.CharField(blank=True, default="", max_length=200)),
        migrations.RemoveConstraint("environment", "one_living_environment_per_pull_request"),
        migrations.AddConstraint(
            "environment",
            models.UniqueConstraint(
                fields=["pull_request", "recipe"],
                condition=~Q(state="terminated"),
                name="one_living_environment_per_recipe",
            ),
        ),
    ]
