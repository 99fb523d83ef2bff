"""The agent belongs to the deployment; a placement says on which hosts something of an environment is."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import seatrial.control.ids
import seatrial.wire.envelope


def carry(apps, schema_editor):
    """Each deployment was on its environment's agent, and each environment that has an agent is placed there."""
    Environment = apps.get_model("previews", "Environment")
    Deployment = apps.get_model("previews", "Deployment")
    Placement = apps.get_model("previews", "Placement")
    for environment in Environment.objects.exclude(agent=None).iterator():
        Deployment.objects.filter(environment=environment).update(agent=environment.agent_id)
        Placement.objects.create(
            environment=environment,
            agent_id=environment.agent_id,
            revision=environment.revision,
            created_at=environment.created_at,
            leaving_since=environment.terminated_at,
            removed_at=environment.removed_at,
        )
    # Check the foreign keys of the new rows now: a table with pending checks cannot be altered.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0002_draining"),
        ("previews", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="agent",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="deployments", to="fleet.agent"
            ),
        ),
        migrations.CreateModel(
            name="Placement",
            fields=[
                (
                    "id",
                    seatrial.control.ids.UlidField(
                        default=seatrial.wire.envelope.new_id,
                        editable=False,
                        max_length=26,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("revision", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("leaving_since", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="placements", to="fleet.agent"
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="placements",
                        to="previews.environment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at", None)),
                        fields=("environment", "agent"),
                        name="one_placement_per_environment_and_agent",
                    )
                ],
            },
        ),
        migrations.RunPython(carry, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="environment", name="agent"),
    ]
