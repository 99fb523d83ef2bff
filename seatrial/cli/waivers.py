"""`seatrial waivers`: failures that do not matter for a while, who asked, and who decided."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import project_named
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import mark, moment, padded
from seatrial.cli.terminal import Terminal, bold, document, listing, note
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.states import WaiverState

ANY, UNUSED = "any", "unused"
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `waivers list` shows it.")]
State = Annotated[
    str,
    typer.Option(
        "--state",
        help=f"Only those that are {', '.join(WaiverState)}. Default: requested; {UNUSED}: approved, and nothing fails "
        "for which they are; any: all.",
    ),
]
OfProject = Annotated[str, typer.Option("--project", help="Only those of this project: its slug or id.")]
Search = Annotated[
    str, typer.Option("--search", help="Only those with this in their reason, path, policy or requester.")
]
Most = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=500)]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its slug: `projects` lists them.")]
Policy = Annotated[str, typer.Argument(metavar="POLICY", help="The policy's slug, such as no-secrets.")]
Reason = Annotated[str, typer.Option("--reason", help="Why this does not matter for now.")]
Path = Annotated[
    str,
    typer.Option(
        "--path", help="Only what is found in this file, or below this folder. Default: everything."
    ),
]
Fingerprint = Annotated[str, typer.Option("--fingerprint", help="Only the finding with this fingerprint.")]
Days = Annotated[int, typer.Option("--days", help="How long it lasts from now on.", min=1, max=90)]
Note = Annotated[str, typer.Option("--note", help="What is kept with your decision.")]

waivers = typer.Typer(
    help="Failures that do not matter for a while, and who decided that.", no_args_is_help=True
)


@waivers.command("list")
def listed(
    state: State = WaiverState.REQUESTED,
    project: OfProject = "",
    search: Search = "",
    limit: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List waivers, the newest first: those that wait for a decision, unless you ask for others."""
    if state not in (ANY, UNUSED, *WaiverState):
        raise CommandError(
            f"there is no state {state}.",
            fix=f"Name one: {', '.join((*WaiverState, UNUSED, ANY))}",
            word="usage",
        )
    wanted = "" if state == ANY else state
    rows = items(_api().get("/waivers", state=wanted, project=project, search=search, limit=limit))
    listing(
        rows,
        as_json,
        _show,
        none="There is no such waiver.",
        then=f"Others: {typed('waivers', 'list', '--state', ANY)}",
    )


@waivers.command("request")
def request(
    project: Project,
    policy: Policy,
    reason: Reason,
    path: Path = "",
    fingerprint: Fingerprint = "",
    days: Days = 30,
    as_json: AsJson = False,
) -> None:
    """Ask that a policy's failure be waived. It waives nothing until somebody else approves it."""
    api = _api()
    asked = {"policy": policy, "reason": reason, "path": path, "fingerprint": fingerprint, "days": days}
    row = api.post(f"/projects/{project_named(api, project)['id']}/waivers", asked)
    if as_json:
        document(row)
        return
    terminal = Terminal()
    _show(terminal, row)
    terminal.line(
        "  ", note(f"somebody else decides: {typed('waivers', 'approve', row['id'])}, or {row['page_url']}")
    )


@waivers.command("approve")
def approve(id: Id, note: Note = "", as_json: AsJson = False) -> None:
    """Approve a waiver that somebody else asked for: what it covers fails no more, until it ends."""
    _decided("approve", id, note, as_json)


@waivers.command("reject")
def reject(id: Id, note: Note = "", as_json: AsJson = False) -> None:
    """Reject a waiver that waits for a decision."""
    _decided("reject", id, note, as_json)


@waivers.command("withdraw")
def withdraw(id: Id, note: Note = "", as_json: AsJson = False) -> None:
    """End a waiver, or take back a request: what it covered fails again."""
    _decided("withdraw", id, note, as_json)


def _decided(what: str, key: str, said: str, as_json: bool) -> None:
    row = _api().post(f"/waivers/{quote(key, safe='', errors='replace')}/{what}", {"note": said})
    if as_json:
        document(row)
    else:
        _show(Terminal(), row)


def _show(terminal: Terminal, row: Json) -> None:
    covered = row["path"] or (
        f"the finding {row['fingerprint']}" if row["fingerprint"] else "the whole policy"
    )
    terminal.line(
        mark(row["state"]),
        f" {row['id']}  {padded(row['state'], 9)}  ",
        bold(row["policy"]),
        f" in {row['project_name']}: {covered}",
    )
    terminal.line(f"  {row['reason']}", note(f"  {row['requested_by']}, until {moment(row['expires_at'])}"))
    if row["note"]:
        terminal.line("  ", note(row["note"]))


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
