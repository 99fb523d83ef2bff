"""`seatrial agents`: the fleet, and what operators do with an agent."""

import os
import sys
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.draining import Drained, departed
from seatrial.cli.errors import CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.scopes import quoted
from seatrial.cli.show import mark, moment
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

agents = typer.Typer(
    help="The agents: invite, look at, drain, revoke and remove them. Changes take the instance admin.",
    no_args_is_help=True,
)

Named = Annotated[str, typer.Argument(metavar="AGENT", help="Its name or id.")]
NewName = Annotated[
    str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, dots, underscores and hyphens.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Show how it goes on, until everything that moves has moved.")
]
Confirm = Annotated[str, typer.Option("--confirm", help="Its name, in place of typing it when asked.")]


@agents.command("list")
def listed(as_json: AsJson = False) -> None:
    """List them by name."""
    rows = items(_api().get("/agents"))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        heard = row["last_heartbeat_at"]
        said = f"heard {moment(heard)}" if heard else "never heard"
        terminal.line(mark(row["state"]), " ", bold(row["name"]), note(f"  {row['state']} · {said}"))
    if not rows:
        terminal.line("No agent has joined.")
        terminal.line("  ", f"Invite one: {typed('agents', 'invite', 'NAME')}")


@agents.command("show")
def show(agent: Named, as_json: AsJson = False) -> None:
    """Show one: how it is, what runs there, and what would become of that if it were drained."""
    api, found = _found(agent)
    row = api.get(f"/agents/{quoted(found['id'])}")
    if as_json:
        document(row)
        return
    terminal = Terminal()
    release = f"release {row['release']}" if row["release"] else "release not known"
    terminal.line(mark(row["state"]), " ", bold(row["name"]), note(f"  {row['state']} · {release}"))
    if row["away"]:
        terminal.line("  ", warning(row["away"]))
    for line in row["host"]:
        terminal.line("  ", mark("passed" if line["well"] else "errored"), " ", line["text"])
        if line["fix"] and not line["well"]:
            terminal.lines(line["fix"], before="      ")
    for one in row["warnings"]:
        terminal.line("  ", warning(one))
    departed(terminal, row)


@agents.command("invite")
def invite(name: NewName, as_json: AsJson = False) -> None:
    """Make the token with which one agent joins as NAME, once, within a day; or joins again with a new credential."""
    answer = _api().post("/agents", {"name": name})
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    terminal.line(f"GALLEY_AGENT_TOKEN={answer['token']}")
    terminal.line(
        "  ", note("Shown once. Put it into the .env of its host, or /etc/galley/agent.env, and start it.")
    )


@agents.command("drain")
def drain(agent: Named, wait: Wait = False, as_json: AsJson = False) -> None:
    """Place nothing new on it, and move what can move. Again: also what failed elsewhere."""
    api, found = _found(agent)
    row = api.post(f"/agents/{quoted(found['id'])}/drain")
    if wait:
        row = Drained(api, found["id"], Terminal(quiet=as_json)).wait()
    if as_json:
        document(row)
        return
    terminal = Terminal()
    terminal.line(bold(row["name"]), " drains.")
    departed(terminal, row)
    terminal.line("  ", note(f"To have it take previews again: {typed('agents', 'undrain', row['name'])}"))


@agents.command("undrain")
def undrain(agent: Named, as_json: AsJson = False) -> None:
    """Let it take new previews again. What has moved stays where it is."""
    api, found = _found(agent)
    _said(api.post(f"/agents/{quoted(found['id'])}/undrain"), " takes new previews again.", as_json)


@agents.command("revoke")
def revoke(agent: Named, confirm: Confirm = "", as_json: AsJson = False) -> None:
    """Cut it off for good. Its previews are built again elsewhere, without the data that they have there."""
    api, found = _found(agent)
    _confirmed("revoke", found, confirm)
    _said(api.post(f"/agents/{quoted(found['id'])}/revoke"), " is revoked.", as_json)


@agents.command("remove")
def remove(agent: Named, confirm: Confirm = "", as_json: AsJson = False) -> None:
    """Take it off the lists: one that is revoked, or offline with nothing on it. What it did is kept."""
    api, found = _found(agent)
    _confirmed("remove", found, confirm)
    _said(api.delete(f"/agents/{quoted(found['id'])}"), " is removed.", as_json)


def _said(row: Json, done: str, as_json: bool) -> None:
    if as_json:
        document(row)
        return
    Terminal().line(bold(row["name"]), done)


def _confirmed(order: str, row: Json, confirm: str) -> None:
    """Its name, typed by somebody who means it. A script says it with --confirm."""
    if not confirm and not sys.stdin.isatty():
        raise CommandError(
            f"nobody confirmed to {order} agent {row['name']}.",
            fix=f"Confirm it: {typed('agents', order, row['name'], '--confirm', row['name'])}",
            word="usage",
        )
    said = confirm or typer.prompt(f"To {order} agent {row['name']!a}, type its name")
    if said != row["name"]:
        raise CommandError(f"{said} is not the name of agent {row['name']}: nothing was done.", word="usage")


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))


def _found(wanted: str) -> tuple[Api, Json]:
    """The platform, and the agent with this name or id. Raises CommandError."""
    api = _api()
    for row in items(api.get("/agents")):
        if wanted in (row["name"], row["id"]):
            return api, row
    raise CommandError(
        f"there is no agent {wanted}.", fix=f"See them: {typed('agents', 'list')}", word="not_found"
    )
