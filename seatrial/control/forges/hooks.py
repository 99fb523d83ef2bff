"""The webhooks that we have at forges: one per project."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import whereabouts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import UnfitConnection
from seatrial.control.forges.models import Hook
from seatrial.control.forges.registry import registered
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.webhook_secrets import rotate_webhook_secret

CHECKED_EVERY = timedelta(hours=1)
SOON = timedelta(minutes=1)
GRACE = timedelta(hours=24)  # time for webhooks that people made by hand


def address(connection: Connection) -> str:
    """Where the forge is to send webhooks of `connection`."""
    return f"{settings.SITE_URL}/api/v1/webhooks/{connection.forge}/{connection.pk}"


def ask(project: Project) -> None:
    """Have the project's webhook made, corrected or removed, once the caller's transaction commits."""
    outbox.instruct(Instruction.WEBHOOK, project=project.pk)


def ask_soon(project: Project) -> None:
    """The same, because the repository may have another name now. Not if it was asked for within SOON."""
    now = timezone.now()
    if Hook.objects.filter(project=project, asked_at__lt=now - SOON).update(asked_at=now):
        ask(project)


def ask_all(connection: Connection) -> None:
    """Have the webhook of every project of the connection looked at, once the caller's transaction commits."""
    for project in connection.projects.filter(archived_at=None):
        ask(project)


def ask_due() -> None:
    """Have every webhook looked at that was not for CHECKED_EVERY: forges switch webhooks off, and people delete them."""
    due = timezone.now() - CHECKED_EVERY
    hosted = [kind for kind in Connection.objects.values_list("forge", flat=True).distinct() if _hosted(kind)]
    # An archived project with a Hook still has a webhook at the forge, which could not be removed when it was archived.
    wanted = Q(archived_at=None, gone="") | Q(archived_at__isnull=False, hook__isnull=False)
    rows = Project.objects.filter(wanted, connection__forge__in=hosted)
    for project in rows.exclude(hook__asked_at__gt=due):
        Hook.objects.update_or_create(project=project, defaults={"asked_at": timezone.now()})
        ask(project)


def settle(forges: Forges, body: dict[str, str]) -> None:
    """Make the webhook of the project in `body` as it should be. Idempotent; no transaction is open. Raises ForgeError."""
    project = Project.objects.select_related("connection").filter(pk=body["project"]).first()
    if project is None or not _hosted(project.connection.forge):
        return
    forge = forges.hosted(project.connection)
    if project.archived_at is not None:
        forge.remove_webhook(project, address(project.connection))
        Hook.objects.filter(project=project).delete()
        return
    secret = str(project.connection.webhook_secret)
    if not secret:  # the forge would send webhooks that we reject
        raise UnfitConnection("The connection has no webhook secret: rotate it on the connection's page.")
    whereabouts.note(forge, project)
    if not project.gone:
        forge.ensure_webhook(project, address(project.connection), secret)
    _note(body, problem="")


def waits(body: dict[str, str], reason: str) -> None:
    """Show on the project why its webhook is not there yet."""
    _note(body, problem=reason)


def _note(body: dict[str, str], *, problem: str) -> None:
    now = timezone.now()
    if Project.objects.filter(pk=body["project"]).exists():
        Hook.objects.update_or_create(
            project_id=body["project"], defaults={"problem": problem, "checked_at": now, "asked_at": now}
        )


def _hosted(kind: str) -> bool:
    return registered(kind).hosting is not None


@transaction.atomic
def rotate_secret(connection: Connection, *, by: Actor, grace: timedelta = GRACE) -> str:
    """Sign with a new secret, which is returned, and have every webhook learn it. The old one is valid for `grace`."""
    secret = secrets.token_urlsafe(32)
    rotate_webhook_secret(connection, secret, grace, by)
    ask_all(connection)
    return secret
