"""How long previews live: until their time to live is over, unless somebody extends it, or until a stop cannot be undone."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import lifecycle
from seatrial.control.previews.errors import NothingToExtend, NothingToPin
from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState
from seatrial.wire.words import StopCause

LONGEST = 10  # times to live that a preview may be extended to, from now on


@transaction.atomic
def extend(environment: Environment, by: Actor) -> datetime:
    """Let the preview live longer by its project's time to live; returns how long it lives now, without a new commit.

    Raises NothingToExtend when it is stopped or gone, or ends more than LONGEST times to live from now.
    """
    current = lifecycle.locked(environment.pk)
    if current is None or current.state in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}:
        raise NothingToExtend(f"{environment.name} does not run. Rebuild it, or push a commit.")
    more = timedelta(hours=current.project.ttl_hours)
    now = timezone.now()
    longer = max(current.expires_at or now, now) + more
    if longer > now + LONGEST * more:
        raise NothingToExtend(
            f"{environment.name} lives until {current.expires_at:%Y-%m-%d %H:%M} UTC already. "
            "An admin of the workspace can set a longer time to live in the project's settings."
        )
    current.expires_at = longer
    current.save(update_fields=["expires_at", "updated_at"])
    outbox.instruct(Instruction.REPORT, pull_request=current.pull_request_id)  # the comment says when it ends
    _audit("environment.extend", current, by, until=longer.isoformat())
    return longer


def expire() -> int:
    """End every preview that is not pinned and got no new commit during its project's time to live, and every one that was stopped so long
    ago that it can no longer be undone; returns how many. Idempotent, and any number of processes may do it at once.
    """
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    now = timezone.now()
    over = living.filter(Q(undo_until__lte=now) | Q(undo_until=None, pinned_by="", expires_at__lt=now))
    return sum(map(_expire, over.order_by("pk").values_list("pk", flat=True)))


@transaction.atomic
def _expire(environment_id: str) -> bool:
    environment = lifecycle.locked(environment_id)
    if environment is None or environment.state == EnvironmentState.TERMINATED:
        return False
    stopped = environment.state == EnvironmentState.STOPPED
    ends = environment.undo_until if stopped else environment.expires_at
    if ends is None or ends > timezone.now() or (environment.pinned and not stopped):
        return False  # a commit came meanwhile, or somebody pinned it, stopped it or undid that
    if stopped:
        lifecycle.terminate(environment, cause=StopCause.PERSON, stopped_by=environment.stopped_by)
    else:
        lifecycle.terminate(environment, cause=StopCause.TIME_TO_LIVE)
        _audit("environment.expire", environment, SYSTEM)
    return True


@transaction.atomic
def pin(environment: Environment, by: Actor) -> None:
    """From now on its time to live does not end it; its pull request and a stop still do. Raises NothingToPin, if it is stopped or
    gone. Idempotent."""
    _pinned(environment, by, str(by)[:200])


@transaction.atomic
def unpin(environment: Environment, by: Actor) -> None:
    """Let it end again; if its time to live is over, it gets a whole one from now on. Raises NothingToPin. Idempotent."""
    _pinned(environment, by, "")


def _pinned(environment: Environment, by: Actor, pinned_by: str) -> None:
    current = lifecycle.locked(environment.pk)
    if current is None or current.state in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}:
        raise NothingToPin(f"{environment.name} does not run. Rebuild it, or push a commit.")
    if current.pinned == bool(pinned_by):
        return
    current.pinned_by = pinned_by
    if not pinned_by and current.expires_at is not None and current.expires_at < timezone.now():
        current.expires_at = timezone.now() + timedelta(hours=current.project.ttl_hours)
    current.save(update_fields=["pinned_by", "expires_at", "updated_at"])
    outbox.instruct(Instruction.REPORT, pull_request=current.pull_request_id)  # the comment says when it ends
    _audit("environment.pin" if pinned_by else "environment.unpin", current, by)


def _audit(action: str, environment: Environment, by: Actor, **details: str) -> None:
    audit.record(
        action,
        f"environment/{environment.name}",
        by=by,
        workspace=environment.project.workspace_id,
        details=details,
    )
