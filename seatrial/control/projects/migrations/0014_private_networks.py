"""Whether a project's previews may connect to private networks. No project has been permitted it yet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0013_callbacks")]

    operations = [migrations.AddField("project", "private_networks", models.BooleanField(default=False))]
