"""A result says which tools it had facts of. Those from before had none."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("policies", "0024_live")]

    operations = [migrations.AddField("result", "tools", models.JSONField(default=list))]
