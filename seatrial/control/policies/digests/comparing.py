"""What the policies of a workspace say of its default branches, now and at an earlier moment."""

from datetime import datetime

from django.conf import settings
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat

from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.current import standing
from seatrial.control.policies.digests.shape import DigestChange
from seatrial.control.policies.models import Evaluation, Result
from seatrial.wire.states import ResultState

DECIDED = (ResultState.PASSED, ResultState.FAILED, ResultState.WAIVED)
BROKE = (ResultState.ERRORED, ResultState.TIMED_OUT)
Key = tuple[str, str]  # the ids of a project and a policy
Said = dict[Key, Result]
Verdicts = dict[Key, str]


def said_now(workspace: Workspace) -> Said:
    """By the verdicts that stand, as in scores."""
    return _newest(Result.objects.filter(evaluation__in=standing(_on_default_branches(workspace))))


def verdicts_at(workspace: Workspace, moment: datetime) -> Verdicts:
    """By the last verdict that each policy had given by then, as that is now: a waiver that ended since is not seen."""
    earlier = _on_default_branches(workspace).filter(finished_at__lte=moment)
    return verdicts_of(_newest(Result.objects.filter(evaluation__in=earlier, state__in=DECIDED)))


def verdicts_of(said: Said, before: Verdicts | None = None) -> Verdicts:
    """Of what did not come to one, that of `before`."""
    found = {key: row.state if row.state in DECIDED else (before or {}).get(key) for key, row in said.items()}
    return {key: word for key, word in found.items() if word is not None}


def changes(before: Verdicts, now: Said, states: tuple[ResultState, ...]) -> list[DigestChange]:
    """What is in one of `states` now; by project and policy."""
    found = [_change(before.get(key), row) for key, row in now.items() if ResultState(row.state) in states]
    return sorted(found, key=lambda one: (one.project_name, one.policy))


def _on_default_branches(workspace: Workspace) -> QuerySet[Evaluation]:
    rows = Evaluation.objects.filter(
        project__workspace=workspace, project__archived_at=None, pull_request=None
    )
    return rows.filter(ref=Concat(Value("refs/heads/"), F("project__default_branch")))


def _newest(rows: QuerySet[Result]) -> Said:
    key = ("evaluation__project_id", "version__policy_id")
    newest = rows.filter(version__policy__enabled=True).order_by(*key, "-evaluation_id").distinct(*key)
    return {
        (row.evaluation.project_id, row.version.policy_id): row
        for row in newest.select_related("evaluation__project", "version__policy")
    }


def _change(before: str | None, now: Result) -> DigestChange:
    project, policy = now.evaluation.project, now.version.policy
    return DigestChange(
        project=project.pk,
        project_name=project.name,
        policy=policy.slug,
        policy_name=policy.name,
        before=before,
        now=now.state,
        page_url=f"{settings.SITE_URL}/evaluations/{now.evaluation_id}",
    )
