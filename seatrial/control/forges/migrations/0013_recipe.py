"""Forges are told of each recipe's preview. What they were told so far is of the first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more column, by which reports are told apart."""

    dependencies = [("forges", "0012_asked")]

    operations = [
        migrations.AddField(
            "postedreport", "recipe", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.RemoveConstraint("postedreport", "one_posted_report"),
        migrations.AddConstraint(
            "postedreport",
            models.UniqueConstraint(
                fields=["project", "what", "about", "recipe"], name="one_posted_report"
            ),
        ),
    ]
