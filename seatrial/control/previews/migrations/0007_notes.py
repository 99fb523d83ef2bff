"""Notes of a deployment are kept apart from its warnings. What older rows have stays where it is."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("previews", "0006_label")]

    operations = [
        migrations.AddField("deployment", "notes", models.JSONField(default=list)),
    ]
