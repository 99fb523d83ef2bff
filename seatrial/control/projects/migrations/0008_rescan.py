"""Projects are re-scanned: never, until somebody says when."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("projects", "0007_labels_and_opened_at")]

    operations = [
        migrations.AddField("project", "rescan", models.CharField(default="never", max_length=100)),
    ]
