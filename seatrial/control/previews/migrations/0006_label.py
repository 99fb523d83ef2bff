"""Each label of a hostname belongs to one workspace; those that previews have or had are theirs from the start."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from seatrial.wire.hostnames import labels  # as they are served from now on
from seatrial.wire.states import ServiceKind

BATCH = 1_000


def claim(apps, schema_editor):
    """Living environments first, the oldest before the others; then ended ones, the newest before the others."""
    Environment, Deployment, Label = (apps.get_model("previews", name) for name in ("Environment", "Deployment", "Label"))
    living = Environment.objects.exclude(state="terminated").order_by("id")
    ended = Environment.objects.filter(state="terminated").order_by("-id")
    for environments in (living, ended):
        for environment in environments.select_related("project").iterator(BATCH):
            served = [environment.services]
            served += Deployment.objects.filter(environment=environment).values_list("services", flat=True)
            wanted = {environment.name: None}
            for services in served:
                kinds = {service["name"]: ServiceKind(service["kind"]) for service in services}
                wanted |= {label: None for own in labels(environment.name, kinds).values() for label in own}
            Label.objects.bulk_create(
                (Label(label=label, workspace_id=environment.project.workspace_id, environment=environment) for label in wanted),
                ignore_conflicts=True,
            )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("previews", "0005_stop_cause")]

    operations = [
        migrations.CreateModel(
            name="Label",
            fields=[
                ("label", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("claimed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "environment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="labels",
                        to="previews.environment",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.workspace"
                    ),
                ),
            ],
        ),
        migrations.RunPython(claim, migrations.RunPython.noop, elidable=True),
    ]
