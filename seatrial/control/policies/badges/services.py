"""Publishing a project's badge, giving it another address, and making it private again; what it says now."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.badges.drawing import Badge, badge_of
from seatrial.control.policies.badges.models import PublicBadge
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.projects.models import Project

STALE = timedelta(days=2)  # a score that nobody has taken for so long says nothing about now


@transaction.atomic
def publish(project: Project, *, by: Actor) -> PublicBadge:
    """Give the badge a public address. If it has one, it gets another, and the old one leads nowhere from now on."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    gone, _ = PublicBadge.objects.filter(project=project).delete()
    token = secrets.token_urlsafe(24)
    made = PublicBadge(project=project, token=token, digest=digest(token), by=str(by)[:200])
    made.save(force_insert=True)
    _record("badge.rotate" if gone else "badge.publish", project, by)
    return made


@transaction.atomic
def withdraw(project: Project, *, by: Actor) -> None:
    """Make the badge private: its public address leads nowhere from now on. Idempotent."""
    gone, _ = PublicBadge.objects.filter(project=project).delete()
    if gone:
        _record("badge.withdraw", project, by)


def digest(token: str) -> str:
    """The hash by which a token is looked up. It has 192 random bits, so a slow one would not protect it better."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def project_of(token: str) -> Project | None:
    """The project whose badge is at this address."""
    rows = PublicBadge.objects.select_related("project").filter(digest=digest(token))
    found = rows.first()
    return found.project if found is not None else None


def badge(project: Project) -> Badge:
    """What the project's badge says now. One that is archived has no data."""
    newest = DailyScore.objects.filter(project=project).order_by("-day").first()
    if newest is None or project.archived_at is not None or newest.taken_at < timezone.now() - STALE:
        return badge_of(None, all_passed=False)
    return badge_of(newest.score, all_passed=bool(newest.passed) and not (newest.failed or newest.waived))


def public_url(row: PublicBadge) -> str:
    """The address that anybody may use."""
    return settings.SITE_URL + reverse("badges:public", args=[row.token])


def markdown(row: PublicBadge) -> str:
    """What is pasted into a README: the badge, which leads to the project's page."""
    return f"[![policies]({public_url(row)})]({settings.SITE_URL}/projects/{row.project_id})"


def _record(action: str, project: Project, by: Actor) -> None:
    audit.record(action, f"project/{project.pk}", by=by, workspace=project.workspace_id)
