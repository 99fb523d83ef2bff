"""A stopped preview keeps the deployment that was live, and its data, for as long as the stop can be undone."""

import django.db.models.deletion
from django.db import migrations, models

STATES = ["pending", "building", "running", "stopped", "hibernating", "terminated"]


class Migration(migrations.Migration):

    dependencies = [("previews", "0008_waits_for")]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="kept",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="previews.deployment",
            ),
        ),
        migrations.AddField(
            model_name="environment",
            name="undo_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="environment",
            name="state",
            field=models.CharField(
                choices=[(state, state) for state in STATES], default="pending", max_length=20
            ),
        ),
    ]
