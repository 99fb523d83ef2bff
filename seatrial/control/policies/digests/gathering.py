"""Puts a digest together. Nothing here writes."""

from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import QuerySet

from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.digests.comparing import BROKE, Said, Verdicts, changes
from seatrial.control.policies.digests.shape import DigestBody, DigestDay, DigestScore, DigestWaiver
from seatrial.control.policies.models import Waiver
from seatrial.control.policies.scores.trends import counted_projects, of_projects, together
from seatrial.control.policies.waivers.words import page_url
from seatrial.control.projects.models import Project
from seatrial.wire.states import ResultState, WaiverState

WEEK = timedelta(weeks=1)
TREND_DAYS = 56
MOST = 100  # rows of each kind
T = TypeVar("T")


def gather(
    workspace: Workspace, since: datetime, until: datetime, *, before: Verdicts, now: Said
) -> DigestBody:
    """What is new since then. `until` is now."""
    failing = [one for one in changes(before, now, (ResultState.FAILED,)) if one.before != ResultState.FAILED]
    passing = [
        one
        for one in changes(before, now, (ResultState.PASSED,))
        if one.before in (ResultState.FAILED, ResultState.WAIVED)
    ]
    errored = changes(before, now, BROKE)
    approved = Waiver.objects.filter(project__workspace=workspace, project__archived_at=None)
    expiring = approved.filter(state=WaiverState.APPROVED, expires_at__lte=until + WEEK)
    expired = approved.filter(state=WaiverState.EXPIRED, ended_at__gt=since, ended_at__lte=until).exclude(
        decided_at=None
    )
    lists = (failing, passing, errored, _waivers(expiring), _waivers(expired))
    return DigestBody(
        since=since,
        until=until,
        score=_score(workspace, since),
        newly_failing=failing[:MOST],
        newly_passing=passing[:MOST],
        errored=errored[:MOST],
        waivers_expiring=lists[3][:MOST],
        waivers_expired=lists[4][:MOST],
        left_out=sum(max(0, len(one) - MOST) for one in lists),
    )


def _score(workspace: Workspace, since: datetime) -> DigestScore:
    rows = Project.objects.filter(counted_projects(), workspace=workspace).order_by("name", "id")
    whole = together(workspace.name, workspace.slug, of_projects(rows, TREND_DAYS))
    earlier = [score for day, score in whole.days if day <= since.date() and score is not None]
    return DigestScore(
        now=whole.now.score,
        before=earlier[-1] if earlier else None,
        projects=whole.projects,
        days=[DigestDay(day=day, score=score) for day, score in whole.days],
    )


def _waivers(rows: QuerySet[Waiver]) -> list[DigestWaiver]:
    return [
        DigestWaiver(
            project_name=row.project.name,
            policy=row.version.policy.slug,
            requested_by=row.requested_by,
            expires_at=row.expires_at,
            page_url=page_url(row),
        )
        for row in rows.select_related("project", "version__policy").order_by("expires_at", "id")
    ]
