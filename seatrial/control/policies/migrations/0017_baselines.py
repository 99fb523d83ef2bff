"""Policies may be ratcheted: what they found before is known. None is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("policies", "0016_authoring")]

    operations = [
        migrations.AddField("policy", "ratchet", models.BooleanField(default=False)),
        migrations.AddField("result", "known", models.JSONField(default=list)),
        migrations.CreateModel(
            "Baseline",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprints", models.JSONField(default=list)),
                ("commit", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="baselines", to="policies.policy"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="baselines", to="projects.project"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "baseline", models.UniqueConstraint(fields=["policy", "project"], name="one_baseline")
        ),
    ]
