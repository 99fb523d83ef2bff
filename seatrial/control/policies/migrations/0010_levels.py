"""Policies have levels. Those that there are keep on failing checks and being waived: soft. Evaluations that were made before have no
levels of their own, and are read as if all of their policies were soft.
"""

from django.db import migrations, models

LEVELS = ["draft", "advisory", "soft", "hard"]


class Migration(migrations.Migration):

    dependencies = [("policies", "0008_findings")]

    operations = [
        migrations.AddField("evaluation", "levels", models.JSONField(default=dict)),
        migrations.AddField("evaluation", "remarks", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "policy",
            "level",
            models.CharField(choices=[(one, one) for one in LEVELS], default="soft", max_length=20),
        ),
    ]
