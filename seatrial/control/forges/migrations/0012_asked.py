"""When members and protection were asked for last. Of facts that are there already nobody knows, so they are asked for anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more column."""

    dependencies = [("forges", "0011_reviews")]

    operations = [
        migrations.AddField("factssnapshot", "asked", models.JSONField(default=dict)),
    ]
