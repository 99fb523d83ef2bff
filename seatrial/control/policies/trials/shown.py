"""Trials and replays as pages show them: a constant number of queries each, all of one moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seatrial.control.accounts.access import Action, allowed, find_visible, visible
from seatrial.control.accounts.models import User
from seatrial.control.moment import one_moment
from seatrial.control.policies.models import Policy, Replay, Trial
from seatrial.control.policies.rollout.finding import policy_of
from seatrial.control.policies.trials.services import newest_tests, tests_state
from seatrial.control.policies.trials.summaries import Counts, kinds, summary
from seatrial.control.projects.models import Project
from seatrial.wire.states import TrialState

MOST_SHOWN = 10  # trials, and replays, of a policy
MOST_COMMITS = 100  # of a replay
WORTH_A_LOOK = ("newly_failing", "newly_passing", "errored", "not_run")
# From what to worry about to what is fine; the order of the parts of a bar.
SEGMENTS = (
    ("newly_failing", "newly failing"),
    ("failed_before", "failing as before"),
    ("errored", "errored"),
    ("not_run", "not run"),
    ("waiting", "waiting"),
    ("skipped", "skipped"),
    ("newly_passing", "newly passing"),
    ("passed_before", "passing as before"),
)


@dataclass(frozen=True)
class Segment:
    """A part of a bar: how many commits, from where to where in percent of the longest bar."""

    kind: str
    word: str
    commits: int
    start: float
    width: float


def bar(counts: Counts, longest: int) -> list[Segment]:
    """The counts as parts of one bar, none of them empty."""
    segments: list[Segment] = []
    at = 0.0
    for kind, word in SEGMENTS:
        commits = _of(counts, kind)
        if commits:
            width = 100 * commits / max(1, longest)
            segments.append(Segment(kind, word, commits, round(at, 3), round(width, 3)))
            at += width
    return segments


def _of(counts: Counts, kind: str) -> int:
    match kind:
        case "failed_before":
            return counts.failed - counts.newly_failing
        case "passed_before":
            return counts.passed - counts.newly_passing
    number: int = getattr(counts, kind)
    return number


@one_moment()
def attempts_context(user: User, workspace: str, slug: str) -> dict[str, Any]:
    """What was tried of a policy, and what its tests say. Raises NotFound."""
    policy = policy_of(user, slug, workspace)
    version = policy.versions.order_by("-number").first()
    tested = version.trials.filter(commit="").order_by("-id").first() if version is not None else None
    trials = policy.trials.filter(replay=None).exclude(commit="").select_related("project", "version")
    replays = policy.replays.select_related("version").order_by("-id")[:MOST_SHOWN]
    return {
        "policy": policy,
        "version": version,
        "tests_state": newest_tests(version) if version is not None else None,
        "tested": tested,
        "rows": tested.results if tested is not None else [],
        "trials": list(trials.order_by("-id")[:MOST_SHOWN]),
        "replays": [(one, summary(one).whole) for one in replays],
        "may_try": allowed(user, Action.TRY_POLICY, policy),
        "projects": projects_of(user, policy),
    }


def projects_of(user: User, policy: Policy) -> list[Project]:
    """Where it can be tried."""
    rows = visible(user, Project).filter(workspace=policy.workspace_id, archived_at=None)
    return list(rows.order_by("name", "id"))


@one_moment()
def trial_context(user: User, key: str) -> dict[str, Any]:
    """One trial. Raises NotFound."""
    trial = find_visible(
        user, Trial, key, "project", "policy__workspace", "version", "pull_request", "replay"
    )
    return {
        "trial": trial,
        "policy": trial.policy,
        "state": tests_state(trial) if trial.of_tests else trial.state,
        "differing": sum(bool(row.get("differences")) for row in trial.results),
        "done": TrialState(trial.state).terminal,
    }


@one_moment()
def replay_context(user: User, key: str) -> dict[str, Any]:
    """One replay. Raises NotFound."""
    replay = find_visible(user, Replay, key, "workspace", "policy__workspace", "version", "in_force")
    found = summary(replay)
    longest = max((counts.commits for _, _, counts in found.projects), default=0)
    same = replay.in_force_id is not None and replay.in_force_id == replay.version_id
    trials = replay.trials.select_related("project", "pull_request").order_by("project__name", "place", "id")
    looked = worth_a_look(trials.exclude(said="", state=TrialState.QUEUED), same=same)
    return {
        "replay": replay,
        "policy": replay.policy,
        "counts": found.whole,
        "ended": found.whole.commits - found.whole.waiting,
        "projects": [(key, name, counts, bar(counts, longest)) for key, name, counts in found.projects],
        "legend": [(kind, word) for kind, word in SEGMENTS if _of(found.whole, kind)],
        "looked": looked[:MOST_COMMITS],
        "more": max(0, len(looked) - MOST_COMMITS),
        "done": TrialState(replay.state).terminal,
        "may_cancel": allowed(user, Action.TRY_POLICY, replay),
    }


def worth_a_look(trials: Iterable[Trial], *, same: bool) -> list[tuple[Trial, str, str]]:
    """(trial, why, what was said) of those that a person wants to see."""
    found = []
    for trial in trials:
        kind = kinds(trial.state, trial.said, trial.said if same else trial.said_in_force)[-1]
        if kind in WORTH_A_LOOK:
            said = trial.results[0]["message"] if trial.results else trial.message
            found.append((trial, kind, said))
    found.sort(key=lambda one: WORTH_A_LOOK.index(one[1]))
    return found
