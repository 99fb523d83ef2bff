"""What forges are told has one more kind."""

from django.db import migrations, models

CHOICES = [("verdict", "Verdict"), ("floats", "Floats"), ("review", "Review"), ("preview", "Preview"), ("deployment", "Deployment")]


class Migration(migrations.Migration):
    """Nothing changes in the database."""

    dependencies = [("forges", "0010_floats")]

    operations = [
        migrations.AlterField("postedreport", "what", models.CharField(choices=CHOICES, max_length=20)),
    ]
