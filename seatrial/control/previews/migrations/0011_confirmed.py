"""Since when a deployment may start, because its forge has confirmed its pull request. Those that exist never waited."""

from django.db import migrations, models


def confirm(apps, schema_editor):
    apps.get_model("previews", "Deployment").objects.update(confirmed_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("previews", "0010_admission")]

    operations = [
        migrations.AddField("deployment", "confirmed_at", models.DateTimeField(null=True)),
        migrations.AddField("deployment", "unconfirmed", models.TextField(blank=True, default="")),
        migrations.RunPython(confirm, migrations.RunPython.noop, elidable=True),
    ]
