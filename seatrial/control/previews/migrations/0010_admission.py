"""What a deployment's services may use together, and since when they may start. Those that exist were never held."""

from django.db import migrations, models


def admit(apps, schema_editor):
    apps.get_model("previews", "Deployment").objects.update(admitted_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("previews", "0009_undo")]

    operations = [
        migrations.AddField("deployment", "cpus", models.FloatField(null=True)),
        migrations.AddField("deployment", "memory_mb", models.PositiveIntegerField(null=True)),
        migrations.AddField("deployment", "admitted_at", models.DateTimeField(null=True)),
        migrations.RunPython(admit, migrations.RunPython.noop, elidable=True),
    ]
