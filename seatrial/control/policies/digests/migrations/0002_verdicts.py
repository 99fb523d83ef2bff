"""What each policy said when a digest was made, for the next one to compare with. The first one after this has none, and compares as before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One more column."""

    dependencies = [("digests", "0001_initial")]

    operations = [
        migrations.AddField("digest", "verdicts", models.JSONField(default=dict)),
    ]
