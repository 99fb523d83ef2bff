"""When digests are made. All is in one transaction for each: however often the worker dies, each is made and told once."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.digests.comparing import said_now, verdicts_at, verdicts_of
from seatrial.control.policies.digests.gathering import WEEK, gather
from seatrial.control.policies.digests.models import USUAL_DAY, USUAL_HOUR, Digest, DigestTime, Weekday
from seatrial.control.policies.digests.shape import DigestBody
from seatrial.control.policies.errors import BadDigestTime
from seatrial.control.policies.notices.announcing import digest_made
from seatrial.control.projects.models import Project

AT_ONCE = 20  # workspaces in a pass of the sweep
WEEKDAYS = [day for day in Weekday if day is not Weekday.NEVER]
HOURS = range(24)


def make_due() -> int:
    """Make the digests that are due; returns how many. Those that were missed while nobody worked are one, over all that time.

    Idempotent; any number of workers may do it at once.
    """
    now = timezone.now()
    for workspace in Workspace.objects.filter(digest_time=None):
        time_of(workspace)
    keys = DigestTime.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    return sum(_make(key, now) for key in list(keys[:AT_ONCE]))


def time_of(workspace: Workspace) -> DigestTime:
    """When the workspace gets digests; at the usual time, if nobody said anything else."""
    usual = {"due_at": next_after(USUAL_DAY, USUAL_HOUR, timezone.now())}
    return DigestTime.objects.get_or_create(workspace=workspace, defaults=usual)[0]


@transaction.atomic
def set_time(workspace: Workspace, day: str, hour: int, *, by: Actor) -> DigestTime:
    """Make digests at another time. Raises BadDigestTime."""
    if day not in Weekday.values or hour not in HOURS:
        raise BadDigestTime(
            f"Name a day ({', '.join(Weekday.values)}) and an hour from {HOURS[0]} to {HOURS[-1]} (UTC)."
        )
    wanted = {"day": day, "hour": hour, "due_at": next_after(Weekday(day), hour, timezone.now())}
    row, _ = DigestTime.objects.update_or_create(workspace=workspace, defaults=wanted)
    details = {"day": day, "hour": str(hour)}
    audit.record(
        "digest.set_time", f"workspace/{workspace.pk}", by=by, workspace=workspace.pk, details=details
    )
    return row


def next_after(day: Weekday, hour: int, moment: datetime) -> datetime | None:
    """The next such hour after `moment`; None: never."""
    if day is Weekday.NEVER:
        return None
    ahead = (WEEKDAYS.index(day) - moment.weekday()) % 7
    there = moment.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=ahead)
    return there if there > moment else there + WEEK


def so_far(workspace: Workspace) -> DigestBody:
    """What the next digest would say if it were made now, of the last week."""
    now = timezone.now()
    before = verdicts_at(workspace, now - WEEK)
    return gather(workspace, now - WEEK, now, before=before, now=said_now(workspace))


@transaction.atomic
def _make(key: str, now: datetime) -> bool:
    rows = DigestTime.objects.select_for_update(skip_locked=True).filter(pk=key, due_at__lte=now)
    time = rows.first()
    if time is None:
        return False
    time.due_at = next_after(Weekday(time.day), time.hour, now)
    time.save(update_fields=["due_at"])
    workspace = Workspace.objects.get(pk=key)
    if not Project.objects.filter(workspace=workspace, archived_at=None).exists():
        return False
    last = Digest.objects.filter(workspace=workspace).order_by("-until").first()
    since = last.until if last is not None else now - WEEK
    before = last.before if last is not None and last.verdicts else verdicts_at(workspace, since)
    said = said_now(workspace)
    body = gather(workspace, since, now, before=before, now=said).model_dump(mode="json")
    made = Digest(workspace=workspace, since=since, until=now, body=body)
    made.before = verdicts_of(said, before)
    made.save(force_insert=True)
    Digest.objects.filter(workspace=workspace, until__lt=now).exclude(verdicts={}).update(verdicts={})
    digest_made(workspace, made.pk, body)
    return True
