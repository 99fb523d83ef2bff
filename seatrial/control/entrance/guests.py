"""Guest links: people without an account get into one preview, until the link expires or is revoked."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.accounts.models import User, Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.entrance.errors import BadLink, NoGuests
from seatrial.control.entrance.models import GuestLink
from seatrial.control.entrance.visitor import GUEST
from seatrial.control.previews import routes
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Gate, Mode
from seatrial.wire.states import EnvironmentState

MOST_HOURS = 24 * 30
MOST_NOTE = 200
MOST_LINKS = 50


@transaction.atomic
def invite(environment: Environment, *, hours: int, note: str = "", by: Actor) -> tuple[GuestLink, str]:
    """A new link, and its address, which is not shown again. Raises NoGuests, BadLink."""
    locked = Environment.objects.select_for_update(no_key=True, of=("self",))
    environment = locked.select_related("project", "live__gate", "candidate__gate").get(pk=environment.pk)
    base = _front(environment)
    if not 1 <= hours <= MOST_HOURS:
        raise BadLink(f"A guest link is valid between 1 and {MOST_HOURS} hours, not {hours}.")
    if len(note) > MOST_NOTE:
        raise BadLink(f"A note has at most {MOST_NOTE} characters.")
    if valid(environment).count() >= MOST_LINKS:
        raise BadLink(f"{environment.name} has {MOST_LINKS} guest links already: revoke one.")
    secret = secrets.token_urlsafe(24)
    expires_at = timezone.now() + timedelta(hours=hours)
    link = GuestLink.objects.create(
        environment=environment, digest=_digest(secret), note=note, by=str(by)[:200], expires_at=expires_at
    )
    _record("invite", link, by)
    return link, f"{base}/?{GUEST}={secret}"


@transaction.atomic
def revoke(link: GuestLink, *, by: Actor) -> None:
    """End the link, and all passes that it gave."""
    _record("revoke", link, by)
    link.delete()


@transaction.atomic
def end_those_of(workspace: Workspace, user: User) -> None:
    """End every link that somebody made who is no member any more: they may have kept it."""
    theirs = Q(by=user.username) | Q(by__startswith=f"{user.username} (token:")
    for link in GuestLink.objects.filter(theirs, environment__project__workspace=workspace):
        revoke(link, by=SYSTEM)


def valid(environment: Environment) -> QuerySet[GuestLink]:
    """The links that let people in now."""
    return GuestLink.objects.filter(environment=environment, expires_at__gt=timezone.now()).order_by("-id")


def are_let_in(gate: Gate) -> bool:
    """Whether a guest link counts: not where the visitor's address decides, and not where everybody gets in."""
    return gate.mode in {Mode.MEMBERS, Mode.BASIC}


def found(environment: str, secret: str) -> GuestLink | None:
    """The link with this secret, if it lets people in now."""
    rows = GuestLink.objects.filter(environment_id=environment, expires_at__gt=timezone.now())
    return rows.filter(digest=_digest(secret)).first()


def is_valid(key: str, environment: str) -> bool:
    """Whether the link lets people in now."""
    return GuestLink.objects.filter(
        pk=key, environment_id=environment, expires_at__gt=timezone.now()
    ).exists()


def _front(environment: Environment) -> str:
    """The preview's own address. Raises NoGuests."""
    if environment.state == EnvironmentState.TERMINATED:
        raise NoGuests(f"{environment.name} is gone.")
    deployment = routes.shown_to_visitors(environment)
    served = routes.urls(environment)
    if deployment is None or not served:
        raise NoGuests(f"{environment.name} has no address yet. Invite guests once it runs.")
    if deployment.gate is None:
        raise NoGuests(f"Everybody gets into {environment.name}: send them its address.")
    if not are_let_in(deployment.gate):
        raise NoGuests(
            f"Only people with one of the allowed addresses get into {environment.name}. A guest link would let nobody in."
        )
    bare = f"://{environment.name}."
    return next((one for one in served.values() if bare in one), next(iter(served.values())))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(done: str, link: GuestLink, by: Actor) -> None:
    project = link.environment.project
    details = {"note": link.note, "expires_at": link.expires_at.isoformat()}
    audit.record(
        f"guest_link.{done}",
        f"environment/{link.environment_id}",
        by=by,
        workspace=project.workspace_id,
        details=details,
    )
