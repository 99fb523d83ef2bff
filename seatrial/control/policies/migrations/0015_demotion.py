"""Policies that err too often become advisory. None has yet."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("policies", "0014_broken_glass")]

    operations = [
        migrations.AddField("policy", "level_since", models.DateTimeField(null=True)),
        migrations.AddField("policy", "demotion", models.JSONField(default=dict)),
    ]
