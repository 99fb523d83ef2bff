"""How states, durations and columns look in a line."""

from datetime import datetime

from rich.cells import cell_len

from seatrial.cli.terminal import Styled
from seatrial.wire.states import (
    AgentState,
    DeploymentState,
    EnvironmentState,
    EvaluationState,
    ResultState,
    WaiverState,
)
from seatrial.wire.visible import visible

# State -> (mark, style): the mark tells the state without its colour, too.
MARKS: dict[str, tuple[str, str]] = {
    ResultState.PASSED: ("✓", "green"),
    DeploymentState.LIVE: ("✓", "green"),
    EnvironmentState.RUNNING: ("✓", "green"),
    AgentState.ONLINE: ("✓", "green"),
    ResultState.FAILED: ("✗", "red"),
    ResultState.ERRORED: ("!", "red"),
    ResultState.TIMED_OUT: ("!", "red"),
    ResultState.SKIPPED: ("-", "dim"),
    ResultState.WAIVED: ("-", "dim"),
    DeploymentState.SUPERSEDED: ("-", "dim"),
    DeploymentState.CANCELLED: ("-", "dim"),
    EnvironmentState.STOPPED: ("-", "dim"),
    EnvironmentState.TERMINATED: ("-", "dim"),
    AgentState.OFFLINE: ("✗", "red"),
    WaiverState.APPROVED: ("✓", "green"),
    WaiverState.REJECTED: ("✗", "red"),
    WaiverState.EXPIRED: ("-", "dim"),
    WaiverState.WITHDRAWN: ("-", "dim"),
}


def mark(state: str) -> Styled:
    """The state's sign, in its colour."""
    sign, style = MARKS.get(state, ("…", "yellow"))
    return Styled(sign, style)


def verdict_mark(state: str) -> Styled:
    """The sign of an evaluation's state: *running* is good news of a preview only."""
    return mark("waiting" if state == EvaluationState.RUNNING else state)


def padded(text: str, width: int) -> str:
    """`text` in a column: as wide as a terminal shows it, not as many characters as it has."""
    shown = visible(text)
    return shown + " " * (width - cell_len(shown))


def moment(text: str) -> str:
    """A time that REST gave, as the clock on this machine's wall shows it; what is no time, as it came."""
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return text


def seconds(value: float | None) -> str:
    """A duration, written for people."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"
