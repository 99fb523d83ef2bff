"""What forges are told has one more kind."""

from django.db import migrations, models

CHOICES = [("verdict", "Verdict"), ("floats", "Floats"), ("preview", "Preview"), ("deployment", "Deployment")]


class Migration(migrations.Migration):
    """Nothing changes in the database."""

    dependencies = [("forges", "0009_budgets_of_installations")]

    operations = [
        migrations.AlterField("postedreport", "what", models.CharField(choices=CHOICES, max_length=20)),
    ]
