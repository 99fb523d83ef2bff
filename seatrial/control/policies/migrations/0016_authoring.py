"""A version says what it changes, and why. Those that there are say nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("policies", "0015_demotion")]

    operations = [
        migrations.AddField("policyversion", "note", models.CharField(blank=True, default="", max_length=500), False),
    ]
