"""What a deployment waits for has a column of its own. `message` says why it failed, and nothing else."""

from django.db import migrations, models

BEFORE = "Waits for "  # how the message began that said it until now


def carry(apps, schema_editor):
    waiting = apps.get_model("previews", "Deployment").objects.filter(finished_at=None)
    for deployment in waiting.filter(message__startswith=BEFORE):
        deployment.waits_for = deployment.message.removeprefix(BEFORE).removesuffix(".")
        deployment.message = ""
        deployment.save(update_fields=["waits_for", "message"])


class Migration(migrations.Migration):

    dependencies = [("previews", "0007_notes")]

    operations = [
        migrations.AddField("deployment", "waits_for", models.TextField(blank=True, default=""), False),
        migrations.RunPython(carry, migrations.RunPython.noop, elidable=True),
    ]
