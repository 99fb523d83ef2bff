"""Whose each label of a hostname is: first come, first served, and a workspace's for ever.

A label that visitors were sent to never leads to another workspace's preview, however long ago the first one ended:
links, bookmarks and what browsers keep under a host name outlive it. Within its workspace it goes to the next
environment once the one that had it is terminated. The database has each label once.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from seatrial.control.previews.errors import LabelsTaken
from seatrial.control.previews.models import Environment, Label
from seatrial.wire import hostnames
from seatrial.wire.states import EnvironmentState, ServiceKind


def of_services(environment: str, services: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """`{service: its labels}` of stored `wire.deployments.ObservedService`s in the environment of this name."""
    kinds = {service["name"]: ServiceKind(service["kind"]) for service in services}
    return hostnames.labels(environment, kinds)


@transaction.atomic
def claim(environment: Environment, wanted: Iterable[str]) -> None:
    """Make `wanted` the environment's, all of them or none. Idempotent. Raises LabelsTaken.

    Of several that claim at once, one gets a label, and the others wait for it to commit. The caller holds the
    environment's row lock, or has just made the row. Labels are taken in their order, so that nobody waits in a circle.
    """
    ordered = sorted(set(wanted))
    workspace = environment.project.workspace_id
    Label.objects.bulk_create(
        (Label(label=label, workspace_id=workspace, environment=environment) for label in ordered),
        ignore_conflicts=True,
    )
    rows = list(Label.objects.select_for_update().filter(label__in=ordered).order_by("label"))
    others = Environment.objects.in_bulk(
        [row.environment_id for row in rows if row.environment_id not in {None, environment.pk}]
    )
    taken = [
        row.label
        for row in rows
        if row.workspace_id != workspace or _is_living(others.get(row.environment_id or ""))
    ]
    if taken:
        raise LabelsTaken(taken)
    Label.objects.filter(label__in=ordered).exclude(environment=environment).update(environment=environment)


def _is_living(environment: Environment | None) -> bool:
    return environment is not None and environment.state != EnvironmentState.TERMINATED
