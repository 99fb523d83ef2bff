"""`seatrial scores`: how well repositories keep their policies, and how that changed."""

import os
from typing import Annotated

import typer

from seatrial.cli.api import Json, connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import padded
from seatrial.cli.terminal import Styled, Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory

Project = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Its slug. Without: the workspace and all of its projects.")
]
Workspace = Annotated[str, typer.Option("--workspace", help="Its slug. Without: your first one.")]
Days = Annotated[int, typer.Option("--days", help="Over how many days a change is told.", min=1, max=365)]
STYLES = {"excellent": "green", "good": "green", "warning": "yellow", "critical": "red"}


def scores(
    project: Project = "", workspace: Workspace = "", days: Days = 30, as_json: AsJson = False
) -> None:
    """Show the scores of projects, and how they changed."""
    api = connect(DataDirectory.from_environment(os.environ))
    rows = api.get("/scores", project=project, workspace=workspace, days=days)
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    if not rows:
        terminal.line("There is no such project.")
    for row in rows:
        _show(terminal, row, days)


def _show(terminal: Terminal, row: Json, days: int) -> None:
    number = "-" if row["score"] is None else f"{row['score']:g}"
    terminal.line(
        padded(number, 6),
        Styled(padded(row["grade"], 11), STYLES.get(row["grade"], "dim")),
        *_name(row),
        note(f"  {_counts(row)}{_change(row, days)}"),
    )


def _name(row: Json) -> tuple[Styled | str, ...]:
    if row["kind"] == "workspace":
        return (bold(row["name"]),)
    return (row["name"], note(" (stack)")) if row["kind"] == "stack" else (row["name"],)


def _counts(row: Json) -> str:
    kinds = (
        ("passed", "passed"),
        ("failed", "failed"),
        ("waived", "waived"),
        ("errored", "without a result"),
    )
    said = [f"{row[kind]} {word}" for kind, word in kinds if row[kind]]
    return ", ".join(said) or "nothing counts yet"


def _change(row: Json, days: int) -> str:
    change = row["change"]
    return "" if not change else f", {change:+g} in {days} days"
