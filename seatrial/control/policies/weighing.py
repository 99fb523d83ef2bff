"""What results mean together, by the levels of their policies. Plain values, no database."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.wire.evaluations import PolicyResult, score, verdict
from seatrial.wire.states import EvaluationState, Level, ResultState

AGAINST: tuple[str, ...] = (
    ResultState.FAILED,
    ResultState.ERRORED,
    ResultState.TIMED_OUT,
)  # a passing verdict


@dataclass(frozen=True)
class Weighed:
    """`waived` and `remarks` are numbers of results: those that are waived, and those that would fail it, were they not advisory."""

    state: EvaluationState
    score: float | None
    waived: int
    remarks: int


def weigh(said: Sequence[tuple[PolicyResult, Level]]) -> Weighed:
    """The verdict. What is advisory counts in the score, as everything that was judged does, and not in the verdict."""
    return Weighed(
        state=verdict([result for result, level in said if level.gates]),
        score=score([result for result, _ in said]),
        waived=sum(result.state is ResultState.WAIVED for result, _ in said),
        remarks=sum(is_remark(result.state, level) for result, level in said),
    )


def behind_glass(state: EvaluationState, *, broken: bool) -> tuple[EvaluationState, str]:
    """The verdict where glass is `broken` or not, and what it would be without that; empty if it is the same."""
    return (EvaluationState.PASSED, state) if broken and state in AGAINST else (state, "")


def is_remark(state: str, level: Level) -> bool:
    """Whether this result would fail a check, were its policy not advisory."""
    return not level.gates and state in AGAINST
