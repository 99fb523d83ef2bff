"""`seatrial tokens`: what lets programs, coding assistants among them, act for you, and no further than you say."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment, padded
from seatrial.cli.terminal import Terminal, bold, document, listing, note
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Id = Annotated[str, typer.Argument(metavar="ID", help="Its id, as `tokens list` shows it.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Which program it is for, such as assistant.")]
Scopes = Annotated[
    list[str],
    typer.Option(
        "--scope",
        help="What it may do: read, policies:run, policies:write, previews:write or waivers:request. Repeat it for several.",
    ),
]
Days = Annotated[int, typer.Option("--days", help="How long it is valid.", min=1, max=366)]

tokens = typer.Typer(
    help="What lets programs, coding assistants among them, act for you.", no_args_is_help=True
)


@tokens.command("list")
def listed(as_json: AsJson = False) -> None:
    """List your tokens, the newest first, without the tokens themselves."""
    rows = items(_api().get("/tokens"))
    listing(
        rows,
        as_json,
        _show,
        none="You have no token.",
        then=f"Make one: {typed('tokens', 'create', 'NAME', '--scope', 'read')}",
    )


@tokens.command("create")
def create(name: Name, scope: Scopes, days: Days = 30, as_json: AsJson = False) -> None:
    """Make a token, and print it: nothing shows it again. Its scopes say what it may do; it expires."""
    row = _api().post("/tokens", {"name": name, "scopes": scope, "days": days})
    if as_json:
        document(row)
        return
    terminal = Terminal()
    terminal.line(bold(row["token"]))
    _show(terminal, row)
    terminal.line("  ", note(f"nothing shows it again; take it back: {typed('tokens', 'revoke', row['id'])}"))


@tokens.command("revoke")
def revoke(id: Id, as_json: AsJson = False) -> None:
    """Revoke a token: whatever uses it is refused from now on."""
    row = _api().delete(f"/tokens/{quote(id, safe='', errors='replace')}")
    if as_json:
        document(row)
    else:
        Terminal().line(f"{row['name']} is revoked.")


def _show(terminal: Terminal, row: Json) -> None:
    may = ", ".join(row["scopes"]) or "everything that you may"
    until = f"until {moment(row['expires_at'])}" if row["expires_at"] else "for ever"
    terminal.line(f"{row['id']}  {padded(row['prefix'], 8)}…  ", bold(row["name"]), note(f"  {until}: {may}"))


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
