"""Glass may be broken: one commit passes for a while."""

import django.db.models.deletion
import seatrial.control.ids
import seatrial.wire.envelope
from django.db import migrations, models

STATES = ["queued", "running", "passed", "failed", "errored", "timed_out", "superseded"]


class Migration(migrations.Migration):

    dependencies = [("policies", "0013_digests")]

    operations = [
        migrations.CreateModel(
            "BrokenGlass",
            [
                (
                    "id",
                    seatrial.control.ids.UlidField(
                        default=seatrial.wire.envelope.new_id, editable=False, max_length=26, primary_key=True, serialize=False
                    ),
                ),
                ("commit", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("by", models.CharField(max_length=200)),
                ("own", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=200)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="broken_glass", to="projects.project"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "commit"], name="glass_of_commit"),
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["expires_at"], name="glass_not_mended"
                    ),
                ],
            },
        ),
        migrations.AddField(
            "evaluation",
            "beneath",
            models.CharField(blank=True, choices=[(one, one) for one in STATES], default="", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            "evaluation",
            "glass",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="policies.brokenglass"
            ),
        ),
    ]
