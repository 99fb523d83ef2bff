"""What a delivery is about: a repository, and perhaps a pull request."""

import json
from collections.abc import Iterable, Mapping

from seatrial.control.forges.models import Delivery
from seatrial.control.projects.events import ForgeEvent
from seatrial.control.projects.models import Project

FIELDS = ("external_id", "repository", "number")
# Where payloads have the full name of their repository: GitHub, Gitea and Forgejo; GitLab.
NAMES = (("repository", "full_name"), ("project", "path_with_namespace"))


def note(delivery: Delivery, event: ForgeEvent) -> None:
    """Set the FIELDS of `delivery`, which the caller saves."""
    delivery.external_id = event.external_id[:500]
    delivery.repository = named(bytes(delivery.body))[:500]
    delivery.number = getattr(event, "number", None)


def named(body: bytes) -> str:
    """The full name of the repository in a payload; empty if it has none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for key, field in NAMES:
        thing = payload.get(key) if isinstance(payload, dict) else None
        name = thing.get(field) if isinstance(thing, dict) else None
        if isinstance(name, str) and "\x00" not in name:
            return name
    return ""


def projects_of(deliveries: Iterable[Delivery]) -> Mapping[str, Project]:
    """The project of each delivery whose repository is connected now, by the delivery's id. One query."""
    deliveries = [row for row in deliveries if row.external_id]
    rows = Project.objects.filter(
        connection__in={row.connection_id for row in deliveries},
        external_id__in={row.external_id for row in deliveries},
        archived_at=None,
    )
    by_place = {(row.connection_id, row.external_id): row for row in rows}
    found = {row.pk: by_place.get((row.connection_id, row.external_id)) for row in deliveries}
    return {pk: project for pk, project in found.items() if project is not None}
