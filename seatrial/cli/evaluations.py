"""`seatrial evaluations`: what policies said of commits, the newest first."""

import os
from typing import Annotated

import typer

from seatrial.cli.api import Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import project_named
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment, padded, verdict_mark
from seatrial.cli.terminal import Terminal, bold, listing, note
from seatrial.cli.verdicts import counted_score
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.states import EvaluationState

Project = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Only those of this project: its slug or id.")
]
Number = Annotated[
    int | None, typer.Option("--number", help="Only those of the pull request with this number.", min=1)
]
Commit = Annotated[str, typer.Option("--commit", help="Only those of this commit: its whole id.")]
State = Annotated[
    str, typer.Option("--state", help=f"Only those in this state: {', '.join(EvaluationState)}.")
]
Current = Annotated[
    bool, typer.Option("--current", help="Only the newest of each open pull request, branch and tag.")
]
Most = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=500)]


def evaluations(
    project: Project = "",
    number: Number = None,
    commit: Commit = "",
    state: State = "",
    current: Current = False,
    limit: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List what policies said of commits, the newest first."""
    if state and state not in {*EvaluationState}:
        known = ", ".join(EvaluationState)
        raise CommandError(f"there is no state {state}.", fix=f"Name one: {known}", word="usage")
    api = connect(DataDirectory.from_environment(os.environ))
    wanted = {"commit": commit, "state": state, "current": str(current).lower(), "limit": limit}
    if project:
        wanted["project"] = project_named(api, project, archived=True)["id"]
    if number is not None:
        wanted["number"] = number
    rows = items(api.get("/evaluations", **wanted))
    listing(
        rows, as_json, _show, none="There is no such evaluation.", then=f"Evaluate a commit: {typed('check')}"
    )


def _show(terminal: Terminal, row: Json) -> None:
    of = f"#{row['number']}" if row["number"] is not None else row["ref"].removeprefix("refs/heads/")
    terminal.line(
        verdict_mark(row["state"]),
        f" {row['id']}  {row['commit'][:10]}  {padded(row['event'], 12)}  ",
        bold(of),
    )
    said = f"  {row['message']}" if row["message"] else ""
    terminal.line(f"  {row['state']}{counted_score(row)}", note(f"{said}  {moment(row['created_at'])}"))
