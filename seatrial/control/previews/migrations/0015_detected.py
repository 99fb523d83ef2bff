"""What was detected of a commit without a recipe. Deployments that exist had one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("previews", "0014_recipe_folder")]

    operations = [migrations.AddField("deployment", "detected", models.JSONField(null=True))]
