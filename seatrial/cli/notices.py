"""`seatrial notices`: which addresses elsewhere are told of what, and the weekly digest."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import Disappointed
from seatrial.cli.policies import Workspace
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment, padded
from seatrial.cli.terminal import Styled, Terminal, bold, document, listing, note
from seatrial.cli.waiting import until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

notices = typer.Typer(
    help="Which addresses elsewhere are told of what, and the weekly digest.", no_args_is_help=True
)

Url = Annotated[str, typer.Argument(metavar="URL", help="The address. It begins with https://.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `notices list` shows it.")]
Kinds = Annotated[
    list[str],
    typer.Option(
        "--kind",
        help="evaluation_finished, score_fell, policies_broken or weekly_digest; may be given several times.",
    ),
]
Day = Annotated[str, typer.Option("--day", help="A day of the week, such as monday; or never.")]
Hour = Annotated[int, typer.Option("--hour", help="From 0 to 23, in UTC.", min=0, max=23)]
TRIED_SECONDS = 60.0
LISTS = (
    ("newly_failing", "newly failing", "red"),
    ("newly_passing", "newly passing", "green"),
    ("errored", "errored", "red"),
    ("waivers_expiring", "waiver ends", "yellow"),
    ("waivers_expired", "waiver ended", "yellow"),
)


@notices.command("list")
def listed(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """List the addresses that are told of things. It takes the role admin."""
    rows = _api().get(f"{_address(workspace)}/subscriptions")
    listing(
        rows,
        as_json,
        _show,
        none="No address is told anything.",
        then=f"Add one: {typed('notices', 'add', 'URL', '--kind', 'weekly_digest')}",
    )


@notices.command("add")
def add(url: Url, kind: Kinds, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Tell an address of some kinds of things. It takes the role admin."""
    row = _api().post(f"{_address(workspace)}/subscriptions", {"url": url, "kinds": kind})
    if as_json:
        document(row)
        return
    terminal = Terminal()
    _show(terminal, row)
    terminal.line("  secret  ", bold(row["secret"]))
    terminal.line("  ", note("Keep it now: it is not shown again. Notices are signed with it."))


@notices.command("remove")
def remove(id: Id, as_json: AsJson = False) -> None:
    """Tell an address nothing any more. It takes the role admin."""
    _api().delete(_subscription(id))
    if as_json:
        document({"id": id, "removed": True})
        return
    Terminal().line("The address is told nothing any more.")


@notices.command("try")
def try_address(id: Id, as_json: AsJson = False) -> None:
    """Send a test to an address, and show what it answered. Exit code 1: it did not take it."""
    api = _api()
    sent = api.post(f"{_subscription(id)}/try", {})

    def look() -> Json | None:
        rows = api.get(f"{_subscription(id)}/notices")
        return next((row for row in rows if row["id"] == sent["id"] and _tried(row)), None)

    row: Json = until(look, seconds=TRIED_SECONDS, what="the test was not sent")
    if as_json:
        document(row)
    elif row["problem"]:
        Terminal().line(Styled("✗", "red"), f" {row['problem']}")
    else:
        Terminal().line(Styled("✓", "green"), f" It answered {row['status']}.")
    if row["problem"]:
        raise Disappointed(row["problem"])


@notices.command("digest")
def digest(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Show what the weekly digest would say now. Nobody is told."""
    body = _api().get(f"{_address(workspace)}/digest")
    if as_json:
        document(body)
        return
    _show_digest(Terminal(), body)


@notices.command("schedule")
def schedule(day: Day, hour: Hour = 7, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Have digests made on another day, or never. It takes the role admin."""
    row = _api().patch(f"{_address(workspace)}/digest-time", {"day": day.lower(), "hour": hour})
    if as_json:
        document(row)
        return
    when = f"the next digest is made {moment(row['due_at'])}." if row["due_at"] else "no digests are made."
    Terminal().line(bold(workspace), f": {when}")


def _tried(row: Json) -> bool:
    return bool(row["over"] or row["problem"])


def _show(terminal: Terminal, row: Json) -> None:
    terminal.line(f"{row['id']}  ", bold(row["url"]))
    terminal.line("  ", f"{', '.join(row['kinds'])}  ", note(f"{row['by']}, {moment(row['created_at'])}"))


def _show_digest(terminal: Terminal, body: Json) -> None:
    score = body["score"]
    now, before = (("-" if one is None else f"{one:g}") for one in (score["now"], score["before"]))
    terminal.line(f"{moment(body['since'])} to {moment(body['until'])}")
    terminal.line("score ", bold(now), note(f"  {before} before, {counted(score['projects'], 'project')}"))
    for key, word, style in LISTS:
        for one in body[key]:
            terminal.line(
                Styled(padded(word, 15), style), f"{one['policy']} in {one['project_name']}", *_until(one)
            )
    if not any(body[key] for key, _, _ in LISTS):
        terminal.line("Nothing new.")
    if body["left_out"]:
        terminal.line(note(f"no room for {counted(body['left_out'], 'row')}"))


def _until(row: Json) -> tuple[Styled, ...]:
    return (note(f"  {moment(row['expires_at'])}"),) if "expires_at" in row else ()


def _address(workspace: str) -> str:
    return f"/workspaces/{quote(workspace, safe='', errors='replace')}"


def _subscription(key: str) -> str:
    return f"/subscriptions/{quote(key, safe='', errors='replace')}"


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
