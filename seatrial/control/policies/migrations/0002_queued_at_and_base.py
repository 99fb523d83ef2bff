from django.db import migrations, models


def were_published(apps, schema_editor):
    """Until now, an evaluation and its job were made at the same time."""
    apps.get_model("policies", "Evaluation").objects.update(queued_at=models.F("created_at"))


class Migration(migrations.Migration):
    """Adds the commit that a commit is compared with, and the time when the evaluation's job was published."""

    dependencies = [
        ("policies", "0001_initial"),
    ]

    operations = [
        migrations.AddField("evaluation", "base_commit", models.CharField(blank=True, default="", max_length=64), False),
        migrations.AddField("evaluation", "queued_at", models.DateTimeField(null=True)),
        migrations.RunPython(were_published, migrations.RunPython.noop, elidable=True),
    ]
