"""Re-scans as pages and REST show them: a constant number of queries each."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from seatrial.control.accounts.access import Action, allowed, find_visible, visible, workspaces
from seatrial.control.accounts.models import User
from seatrial.control.moment import one_moment
from seatrial.control.policies.rescans.models import Outcome, Rescan, RescanTarget
from seatrial.control.projects.models import Project
from seatrial.control.projects.rescan_times import NEVER
from seatrial.wire.states import EvaluationState

MOST_TARGETS = 200  # on a page
MOST_RESCANS = 30
WORTH_A_LOOK = ("failed", "errored", "timed_out")


@dataclass(frozen=True)
class Progress:
    """How many targets there are, and what became of them."""

    targets: int = 0
    waiting: int = 0
    under_way: int = 0
    passed: int = 0
    failed: int = 0
    errored: int = 0
    skipped: int = 0

    @property
    def ended(self) -> int:
        """However."""
        return self.targets - self.waiting - self.under_way

    @property
    def percent(self) -> int:
        """Of the targets, rounded down: 100 only when all have ended."""
        return 100 * self.ended // self.targets if self.targets else 100


def progress(rescan: Rescan) -> Progress:
    """How far it is."""
    return progress_of([rescan])[rescan.pk]


def progress_of(rescans: list[Rescan]) -> dict[str, Progress]:
    """How far each is, by its id; one query."""
    rows = RescanTarget.objects.filter(rescan__in=rescans).order_by()
    counted: dict[str, dict[str, int]] = {one.pk: {} for one in rescans}
    values = rows.values_list("rescan_id", "outcome", "evaluation__state").annotate(Count("pk"))
    for rescan, outcome, state, number in values:
        kind = _kind(Outcome(outcome), state)
        for name in ("targets", kind):
            counted[rescan][name] = counted[rescan].get(name, 0) + number
    return {key: Progress(**numbers) for key, numbers in counted.items()}


def _kind(outcome: Outcome, state: str | None) -> str:
    if outcome.open:
        return outcome.value
    if outcome is not Outcome.EVALUATED:
        return "skipped"
    match state:
        case EvaluationState.PASSED:
            return "passed"
        case EvaluationState.FAILED:
            return "failed"
    return "errored"


def action_of(rescan: Rescan) -> Action:
    """What it takes to begin it, or to stop it."""
    return Action.RUN_EVALUATION if rescan.project_id is not None else Action.MANAGE_POLICIES


@one_moment()
def rescan_context(user: User, key: str) -> dict[str, Any]:
    """One re-scan. Raises NotFound."""
    rescan = find_visible(user, Rescan, key, "workspace", "policy__workspace", "project")
    rows = rescan.targets.select_related("project", "pull_request", "evaluation__project")
    order = ("ended_at", "begun_at", "id")
    return {
        "rescan": rescan,
        "progress": progress(rescan),
        "targets": list(rows.order_by(*order)[:MOST_TARGETS]),
        "more": max(0, rescan.targets.count() - MOST_TARGETS),
        "done": rescan.finished_at is not None,
        "may_stop": allowed(user, action_of(rescan), rescan),
    }


@one_moment()
def rescans_context(user: User) -> dict[str, Any]:
    """The newest re-scans of every workspace, and which projects have a schedule."""
    rows = visible(user, Rescan).select_related("workspace", "policy", "project").order_by("-id")
    newest = list(rows[:MOST_RESCANS])
    found = progress_of(newest)
    due = visible(user, Project).filter(archived_at=None, gone="").exclude(rescan=NEVER)
    return {
        "rescans": [(one, found[one.pk]) for one in newest],
        "due": list(due.select_related("rescan_due").order_by("name", "id")[:MOST_TARGETS]),
        "managed": list(workspaces(user, Action.MANAGE_POLICIES).order_by("name")),
    }
