"""What a score is made of. Nothing here asks the database."""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.wire.states import ResultState


@dataclass(frozen=True)
class Said:
    """What one policy said of a project in a verdict that counts now. `order`: a newer verdict has a greater one."""

    policy: str
    state: ResultState
    score: float | None
    order: str = ""


@dataclass(frozen=True)
class Tally:
    """How many results there are of each kind, and the mean of those that count; None: none does."""

    score: float | None = None
    passed: int = 0
    failed: int = 0
    waived: int = 0
    errored: int = 0


def tally(results: Iterable[Said]) -> Tally:
    """Passed and failed ones make the score. Errors, time-outs, skips and waived failures do not."""
    rows = list(results)

    def number(*states: ResultState) -> int:
        return sum(row.state in states for row in rows)

    counted = {ResultState.PASSED, ResultState.FAILED}
    scores = [row.score for row in rows if row.state in counted and row.score is not None]
    return Tally(
        score=mean(scores),
        passed=number(ResultState.PASSED),
        failed=number(ResultState.FAILED),
        waived=number(ResultState.WAIVED),
        errored=number(ResultState.ERRORED, ResultState.TIMED_OUT),
    )


def newest_of_each(results: Iterable[Said]) -> list[Said]:
    """Of several verdicts on one branch (a push, somebody's request), what each policy said last."""
    newest: dict[str, Said] = {}
    for row in sorted(results, key=lambda one: one.order):
        newest[row.policy] = row
    return list(newest.values())


def mean(scores: Iterable[float | None]) -> float | None:
    """With one decimal; what is None does not count. None without any."""
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 1) if known else None
