"""What came of a replay, counted, beside what the version in force says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Sum

from seatrial.control.policies.models import Replay
from seatrial.wire.states import ResultState, TrialState

BROKEN = (ResultState.ERRORED, ResultState.TIMED_OUT)
JUDGED = (ResultState.PASSED, ResultState.FAILED)


@dataclass(frozen=True)
class Counts:
    """Of some commits. `waiting` and `not_run` have no result: yet, or at all, because an agent had no sandbox or no commit."""

    commits: int = 0
    passed: int = 0
    failed: int = 0
    errored: int = 0  # or timed out
    skipped: int = 0
    not_run: int = 0
    waiting: int = 0
    newly_failing: int = 0  # failed, and the version in force did not fail
    newly_passing: int = 0  # passed, and the version in force failed
    seconds: float = 0.0  # that agents were busy

    @property
    def error_rate(self) -> float:
        """The share of errors in what the policy answered, from 0 to 1; 1 if it answered nothing."""
        answered = self.passed + self.failed + self.errored
        return self.errored / answered if answered else 1.0


@dataclass(frozen=True)
class ReplaySummary:
    """A replay, whole and by project. `finished_at` None: it goes on."""

    replay: str
    state: TrialState
    finished_at: datetime | None
    whole: Counts
    projects: list[tuple[str, str, Counts]] = field(default_factory=list)  # (id, name, counts), by name

    @property
    def error_rate(self) -> float:
        """See `Counts.error_rate`."""
        return self.whole.error_rate


def summary(replay: Replay) -> ReplaySummary:
    """The counts as they are now; one query."""
    grouped = replay.trials.values("project_id", "project__name", "state", "said", "said_in_force")
    rows = list(
        grouped.annotate(commits=Count("pk"), busy=Sum("seconds")).order_by("project__name", "project_id")
    )
    same = replay.in_force_id is not None and replay.in_force_id == replay.version_id
    projects = {row["project_id"]: row["project__name"] for row in rows}
    return ReplaySummary(
        replay=replay.pk,
        state=TrialState(replay.state),
        finished_at=replay.finished_at,
        whole=counts(rows, same=same),
        projects=[
            (key, name, counts([row for row in rows if row["project_id"] == key], same=same))
            for key, name in projects.items()
        ],
    )


def counts(rows: Iterable[Mapping[str, Any]], *, same: bool) -> Counts:
    """Rows of {state, said, said_in_force, commits, busy} together. `same`: what was tried is what is in force."""
    number: Counter[str] = Counter()
    seconds = 0.0
    for row in rows:
        in_force = row["said"] if same else row["said_in_force"]
        for what in kinds(row["state"], row["said"], in_force):
            number[what] += row["commits"]
        number["commits"] += row["commits"]
        seconds += row["busy"] or 0.0
    return Counts(**number, seconds=round(seconds, 1))


def kinds(state: str, said: str, in_force: str) -> list[str]:
    """As what a commit is counted: names of fields of `Counts`."""
    if not TrialState(state).terminal:
        return ["waiting"]
    if not said:
        return ["not_run"]
    kind = "errored" if said in BROKEN else "skipped" if said not in JUDGED else said
    if said == ResultState.FAILED and in_force != ResultState.FAILED:
        return [str(kind), "newly_failing"]
    if said == ResultState.PASSED and in_force == ResultState.FAILED:
        return [str(kind), "newly_passing"]
    return [str(kind)]
