"""Policies are attached to projects. Those that there are go on judging all of them."""

import django.db.models.deletion
import seatrial.control.ids
import seatrial.wire.envelope
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LEVELS = ["draft", "advisory", "soft", "hard"]


def attach_to_everything(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    policies = apps.get_model("policies", "Policy").objects
    attachments = apps.get_model("policies", "Attachment")
    attachments.objects.bulk_create(
        attachments(policy_id=key, everything=True, by="system") for key in policies.values_list("pk", flat=True)
    )


class Migration(migrations.Migration):

    dependencies = [("policies", "0011_trials"), ("projects", "0007_labels_and_opened_at")]

    operations = [
        migrations.AddField("evaluation", "begins", models.JSONField(default=dict)),
        migrations.CreateModel(
            "Attachment",
            [
                (
                    "id",
                    seatrial.control.ids.UlidField(
                        default=seatrial.wire.envelope.new_id, editable=False, max_length=26, primary_key=True, serialize=False
                    ),
                ),
                ("everything", models.BooleanField(default=False)),
                ("label", models.CharField(blank=True, max_length=100)),
                ("stack", models.CharField(blank=True, max_length=100)),
                ("level", models.CharField(blank=True, choices=[(one, one) for one in LEVELS], max_length=20)),
                ("starts_at", models.DateTimeField(null=True)),
                ("excluded", models.BooleanField(default=False)),
                ("reason", models.TextField(blank=True)),
                ("by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attachments", to="policies.policy"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="projects.project",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "attachment",
            models.UniqueConstraint(
                condition=models.Q(project=None),
                fields=["policy", "everything", "label", "stack"],
                name="one_attachment_to_a_group",
            ),
        ),
        migrations.AddConstraint(
            "attachment",
            models.UniqueConstraint(
                condition=models.Q(project__isnull=False),
                fields=["policy", "project"],
                name="one_attachment_to_a_project",
            ),
        ),
        migrations.RunPython(attach_to_everything, migrations.RunPython.noop, elidable=True),
    ]
