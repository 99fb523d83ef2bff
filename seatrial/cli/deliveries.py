"""`seatrial deliveries`: webhooks as they came in, what each led to, replaying one, testing a webhook."""

import os
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import Disappointed
from seatrial.cli.forges import Connection, chosen
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import mark, padded
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.states import ResultState

Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `deliveries list` shows it.")]
Search = Annotated[
    str, typer.Option("--search", help="Only those with this in their id, repository, event or outcome.")
]
Result = Annotated[
    str, typer.Option("--result", help="Only those with this result, such as 'rejected (signature)'.")
]
Ended = Annotated[
    str, typer.Option("--ended", help="Only those that ended so: done, ignored, 'not connected', 'given up'.")
]
Event = Annotated[str, typer.Option("--event", help="Only those of this event, such as pull_request.")]
Of = Annotated[str, typer.Option("--connection", help="Only those of this connection: its name or id.")]
Most = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=500)]
Project = Annotated[
    str,
    typer.Option("--project", help="The project whose webhook is tested. Default: any of the connection."),
]
ACCEPTED = "accepted"

deliveries = typer.Typer(help="Webhooks as they came in, and what each led to.", no_args_is_help=True)


@deliveries.command("list")
def listed(
    search: Search = "",
    result: Result = "",
    ended: Ended = "",
    event: Event = "",
    connection: Of = "",
    limit: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""
    api = _api()
    rows = api.get(
        "/deliveries",
        search=search,
        result=result,
        ending=ended,
        event=event,
        connection=chosen(api, connection, local=True)["id"] if connection else "",
        limit=limit,
    )
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        _line(terminal, row)
    if not rows:
        terminal.line("There is no such delivery.")
        terminal.line("  ", note(f"Send a test: {typed('deliveries', 'test')}"))


@deliveries.command("show")
def show(id: Id, as_json: AsJson = False) -> None:
    """Show a delivery: what it was about, its headers and payload, and every attempt to handle it."""
    row = _api().get(f"/deliveries/{_in_path(id)}")
    if as_json:
        document(row)
        return
    terminal = Terminal()
    _line(terminal, row)
    terminal.line(f"  {row['delivery_id']}, {_when(row['received_at'])}", " read later" * row["fetched"])
    if row["fix"]:
        terminal.line("  ", warning(row["fix"]))
    for one in row["tries"]:
        by = f", replayed by {one['by']}" if one["by"] else ""
        state = ResultState.FAILED if one["failed"] else ResultState.PASSED
        terminal.line("  ", mark(state), f" {_when(one['at'])}{by}: {one['outcome']}")
    for name, value in row["headers"].items():
        terminal.line("  ", note(f"{name}: {value}"))
    terminal.lines(row["payload"])


@deliveries.command("replay")
def replay(id: Id, as_json: AsJson = False) -> None:
    """Handle a stored delivery again. Rejected ones cannot be replayed."""
    row = _api().post(f"/deliveries/{_in_path(id)}/replay")
    if as_json:
        document(row)
        return
    Terminal().line(
        "It is handled again. See what comes of it: ", bold(typed("deliveries", "show", row["id"]))
    )


@deliveries.command("test")
def test(connection: Connection = "", project: Project = "", as_json: AsJson = False) -> None:
    """Have a delivery sent through the real door, and say what came of it."""
    api = _api()
    row = chosen(api, connection, local=True)
    of = _project(api, project)
    path = f"/connections/{row['id']}/test" + (f"?project={_in_path(of)}" if of else "")
    answer = api.post(path)
    tried = answer["webhook"]
    if as_json:
        document(answer)
    else:
        terminal = Terminal()
        if tried["sender"]:
            terminal.line(f"Sent by {tried['sender']}")
        well = tried["result"] == ACCEPTED
        if tried["delivery"]:
            state = ResultState.PASSED if well else ResultState.FAILED
            terminal.line(mark(state), f" it came: {tried['result']} ", note(tried["delivery"]))
        if tried["problem"]:
            terminal.line(warning(tried["problem"]))
    if tried["result"] != ACCEPTED:
        raise Disappointed("the webhook does not work")


def _line(terminal: Terminal, row: Json) -> None:
    state = ResultState.FAILED if row["fix"] else ResultState.PASSED
    about = row["repository"] + (f"#{row['number']}" if row["number"] else "")
    said = row["outcome"] or ("" if row["handled_at"] else "waiting")
    columns = f"{padded(row['event'], 16)} {padded(about, 24)}"
    result = "" if row["result"] == ACCEPTED else f"{row['result']}: "
    terminal.line(mark(state), f" {row['id']}  {_when(row['received_at'])}  {columns} {result}{said}")


def _when(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def _project(api: Api, slug: str) -> str:
    """The id of the project with this slug or id; the platform says if there is none."""
    if not slug:
        return ""
    return next((str(row["id"]) for row in api.get("/projects") if slug in (row["slug"], row["id"])), slug)


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))


def _in_path(text: str) -> str:
    """What somebody typed, as a part of an address, whatever is in it."""
    return quote(text, safe="", errors="replace")
