"""Decides which environment has which label of a hostname: first come, first served.

A label belongs to the workspace that claimed it first, for ever: links, bookmarks and what browsers store for a host
outlive a preview, and must not lead to another workspace's. Within the workspace, the next environment may have the label
once the last one is terminated. The database holds each label once.
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
    """Give the environment all labels of `wanted`, or none of them. Idempotent. Raises LabelsTaken.

    If several transactions claim a label at once, one gets it, and the others wait until it commits. The caller holds the
    environment's row lock, or has just made the row. Labels are locked in alphabetical order, so that no two transactions
    wait for each other.
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
