from django.db import migrations, models


def were_published(apps, schema_editor):
    """Until now an evaluation and its job were made together."""
    apps.get_model("policies", "Evaluation").objects.update(queued_at=models.F("created_at"))


class Migration(migrations.Migration):
    """What a commit is compared with, and when the job of its evaluation was published."""

    dependencies = [
        ("policies", "0001_initial"),
    ]

    operations = [
        migrations.AddField("evaluation", "base_commit", models.CharField(blank=True, default="", max_length=64), False),
        migrations.AddField("evaluation", "queued_at", models.DateTimeField(null=True)),
        migrations.RunPython(were_published, migrations.RunPython.noop),
    ]
