"""Stores why a preview was stopped in a column of its own; `stopped_by` names a person or is empty."""

from django.db import migrations, models

EXPIRED = "its time to live"  # what `stopped_by` held where no person had stopped it


def carry(apps, schema_editor):
    Environment = apps.get_model("previews", "Environment")
    stopped = Environment.objects.exclude(stopped_by="")
    stopped.exclude(stopped_by=EXPIRED).update(stop_cause="person")
    stopped.filter(stopped_by=EXPIRED).update(stop_cause="time_to_live", stopped_by="")


class Migration(migrations.Migration):

    dependencies = [("previews", "0004_retention")]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="stop_cause",
            field=models.CharField(
                blank=True,
                choices=[("person", "person"), ("time_to_live", "time_to_live")],
                default="",
                max_length=20,
            ),
        ),
        migrations.RunPython(carry, migrations.RunPython.noop, elidable=True),
    ]
