"""Which projects are due: worked out from their settings, so that whatever dies, the next sweep goes on."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from seatrial.control.policies.rescans.asking import scheduled
from seatrial.control.policies.rescans.models import Due
from seatrial.control.projects.models import Project
from seatrial.control.projects.rescan_times import NEVER, next_after

AT_ONCE = 50  # projects in a pass of the sweep


def begin_due() -> int:
    """Begin the re-scans of projects that are due; returns how many. What was missed while nobody worked is done once.

    Idempotent; any number of workers may do it at once.
    """
    now = timezone.now()
    _plan(now)
    keys = list(Due.objects.filter(at__lte=now).order_by("at").values_list("pk", flat=True)[:AT_ONCE])
    return sum(_begin(key, now) for key in keys)


def _plan(now: datetime) -> None:
    """Work out when projects are due whose setting is new, and forget those that are never."""
    Due.objects.filter(project__rescan=NEVER).delete()
    known = dict(Due.objects.values_list("project_id", "setting"))
    rows = Project.objects.filter(archived_at=None, gone="").exclude(rescan=NEVER)
    for key, setting in rows.values_list("pk", "rescan"):
        if known.get(key) != setting:
            _set(key, setting, now)


@transaction.atomic
def _begin(key: str, now: datetime) -> bool:
    due = Due.objects.select_for_update(skip_locked=True).filter(pk=key, at__lte=now).first()
    if due is None:
        return False
    project = Project.objects.select_related("workspace").get(pk=key)
    _set(key, project.rescan, now)
    if project.archived_at is not None or project.gone:
        return False
    scheduled(project)
    return True


def _set(key: str, setting: str, now: datetime) -> None:
    at = next_after(setting, now, project=key)
    if at is None:
        Due.objects.filter(pk=key).delete()
    else:
        Due.objects.update_or_create(project_id=key, defaults={"setting": setting, "at": at})
