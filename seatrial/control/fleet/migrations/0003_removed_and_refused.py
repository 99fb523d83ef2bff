"""Removed agents stay as rows, and what an agent was refused with is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fleet", "0002_draining")]

    operations = [
        migrations.AddField(model_name="agent", name="removed_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="agent", name="refused_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="agent", name="refused", field=models.CharField(max_length=300, blank=True, default="")
        ),
    ]
