"""Takes scores: when a verdict was made or changed, and every hour, because pull requests are closed as well."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from seatrial.control.policies.current import standing
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.notices.announcing import score_fell
from seatrial.control.policies.scores.counting import Said, Tally, newest_of_each, tally
from seatrial.control.policies.scores.models import Basis, DailyScore
from seatrial.control.projects.models import Project
from seatrial.wire.states import ResultState

AGAIN = timedelta(hours=1)
AT_ONCE = 100  # projects in a pass of the sweep


@transaction.atomic
def take(project_id: str) -> None:
    """Store the project's score of today; and have it told if it fell. Does nothing for one that is archived or gone. Idempotent.

    One call per project at a time: the row of the project is locked, so a fall is told once.
    """
    rows = Project.objects.select_for_update(no_key=True).filter(pk=project_id, archived_at=None)
    project = rows.first()
    if project is None:
        return
    before = DailyScore.objects.filter(project=project).order_by("-day").first()
    now = timezone.now()
    basis, taken = score_now(project)
    DailyScore.objects.update_or_create(
        project=project, day=now.date(), defaults={**vars(taken), "basis": basis, "taken_at": now}
    )
    if (
        before is not None
        and before.score is not None
        and taken.score is not None
        and taken.score < before.score
    ):
        score_fell(project, before=before.score, now=taken.score)


def due(now: datetime) -> list[str]:
    """Projects whose score of today is missing, or is older than AGAIN."""
    fresh = DailyScore.objects.filter(project=OuterRef("pk"), day=now.date(), taken_at__gt=now - AGAIN)
    rows = Project.objects.filter(~Exists(fresh), archived_at=None).order_by("id")
    return list(rows.values_list("pk", flat=True)[:AT_ONCE])


def score_now(project: Project) -> tuple[Basis, Tally]:
    """The project's score by the verdicts that stand now."""
    evaluations = list(standing(Evaluation.objects.filter(project=project)))
    main = [
        one
        for one in evaluations
        if one.pull_request_id is None and one.ref == f"refs/heads/{project.default_branch}"
    ]
    if main:
        return Basis.DEFAULT_BRANCH, tally(newest_of_each(_said(main)))
    pulls = [one for one in evaluations if one.pull_request_id is not None]
    return (Basis.PULL_REQUESTS, tally(_said(pulls))) if pulls else (Basis.NOTHING, Tally())


def _said(evaluations: Sequence[Evaluation]) -> Iterable[Said]:
    rows = Result.objects.filter(evaluation__in=evaluations)
    values = rows.values_list("version__policy_id", "state", "score", "evaluation_id")
    return [Said(policy, ResultState(state), score, order) for policy, state, score, order in values]
