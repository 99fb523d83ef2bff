"""What an evaluation waits for has a column of its own. `message` says why there is no verdict, and nothing else."""

from django.db import migrations, models

BEFORE = "Waits for "  # how the message began that said it until now


def carry(apps, schema_editor):
    waiting = apps.get_model("policies", "Evaluation").objects.filter(state="queued", queued_at=None)
    for evaluation in waiting.filter(message__startswith=BEFORE):
        evaluation.waits_for = evaluation.message.removeprefix(BEFORE).removesuffix(".")
        evaluation.message = ""
        evaluation.save(update_fields=["waits_for", "message"])


class Migration(migrations.Migration):

    dependencies = [("policies", "0004_waived")]

    operations = [
        migrations.AddField("evaluation", "waits_for", models.TextField(blank=True, default=""), False),
        migrations.RunPython(carry, migrations.RunPython.noop, elidable=True),
    ]
