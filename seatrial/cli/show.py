"""Output for people: colours and movement in a terminal, plain lines elsewhere."""

import sys

from rich.console import Console

from seatrial.cli.errors import CommandError
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState, ResultState

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
    EnvironmentState.TERMINATED: ("-", "dim"),
    AgentState.OFFLINE: ("✗", "red"),
}


def console(*, json: bool = False) -> Console:
    """The console for people. With --json, everything except the document goes to standard error."""
    return Console(stderr=json, highlight=False, soft_wrap=True)


def mark(state: str) -> str:
    """The state's sign, in its colour."""
    sign, style = MARKS.get(state, ("…", "yellow"))
    return f"[{style}]{sign}[/]"


def seconds(value: float | None) -> str:
    """A duration, written for people."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def error(problem: CommandError) -> None:
    """Print the error and its fix on standard error."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    err.print(f"[red]seatrial:[/] {_plain(str(problem))}")
    if problem.fix:
        err.print(f"  {_plain(problem.fix)}")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def document(text: str) -> None:
    """Print the JSON document. Nothing else is printed on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
