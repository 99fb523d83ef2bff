"""`seatrial members`: who is in a workspace, who is invited to it, and where you are a member yourself."""

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

Workspace = Annotated[str, typer.Option("--workspace", help="The workspace's slug.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A member's username.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="owner, admin, developer or viewer.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The invitation's id.")]
Account = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT", help="A username of this server, or an account like github:octocat."),
]
HERE = "default"

members = typer.Typer(help="Who is in a workspace, and who is invited to it.", no_args_is_help=True)


@members.command("list")
def listed(workspace: Workspace = HERE, as_json: AsJson = False) -> None:
    """List the members of a workspace, with their roles."""
    rows = items(_api().get(f"/workspaces/{_part(workspace)}/members"))
    invite = typed("members", "add", "ACCOUNT", "--role", "developer")
    listing(rows, as_json, _show, none="Nobody is in it.", then=f"Invite somebody: {invite}")


@members.command("add")
def add(
    account: Account,
    role: Annotated[str, typer.Option("--role", help="What they become.")] = "developer",
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> None:
    """Invite somebody: they have a week to accept, and are no member before they do."""
    row = _api().post(f"/workspaces/{_part(workspace)}/invitations", {"account": account, "role": role})
    _say(row, as_json, f"{row['account']} has until {moment(row['expires_at'])} to become {row['role']}.")


@members.command("role")
def role(name: Name, role: Role, workspace: Workspace = HERE, as_json: AsJson = False) -> None:
    """Give a member another role, which counts at once."""
    row = _api().patch(f"/workspaces/{_part(workspace)}/members/{_part(name)}", {"role": role})
    _say(row, as_json, f"{row['username']} is {row['role']} of {row['workspace']} now.")


@members.command("remove")
def remove(name: Name, workspace: Workspace = HERE, as_json: AsJson = False) -> None:
    """Remove a member at once, with the guest links that they made."""
    row = _api().delete(f"/workspaces/{_part(workspace)}/members/{_part(name)}")
    _say(row, as_json, f"{row['username']} is no member of {row['workspace']} any more.")


@members.command("leave")
def leave(workspace: Workspace = HERE, as_json: AsJson = False) -> None:
    """Leave a workspace. Its last owner cannot."""
    row = _api().delete(f"/memberships/{_part(workspace)}")
    _say(row, as_json, f"You have left {row['workspace']}.")


@members.command("mine")
def mine(as_json: AsJson = False) -> None:
    """List the workspaces that you are in, with your roles."""
    rows = items(_api().get("/memberships"))
    listing(rows, as_json, _show_mine, none="You are in no workspace.", then="")


@members.command("invitations")
def invitations(
    workspace: Annotated[
        str, typer.Option("--workspace", help="Those to this one; without it, your own.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the invitations that you may answer, or those to a workspace that you manage."""
    path = f"/workspaces/{_part(workspace)}/invitations" if workspace else "/invitations"
    then = f"Answer one: {typed('members', 'accept', 'ID')}, {typed('members', 'decline', 'ID')}"
    then = f"Take one back: {typed('members', 'revoke', 'ID')}" if workspace else then
    listing(items(_api().get(path)), as_json, _show_invitation, none="There is no invitation.", then=then)


@members.command("accept")
def accept(id: Id, as_json: AsJson = False) -> None:
    """Accept an invitation: you become a member."""
    row = _api().post(f"/invitations/{_part(id)}/accept")
    _say(row, as_json, f"You are {row['role']} of {row['workspace']} now.")


@members.command("decline")
def decline(id: Id, as_json: AsJson = False) -> None:
    """Decline an invitation."""
    row = _api().post(f"/invitations/{_part(id)}/decline")
    _say(row, as_json, f"You have declined the invitation to {row['workspace']}.")


@members.command("revoke")
def revoke(id: Id, workspace: Workspace = HERE, as_json: AsJson = False) -> None:
    """Take an invitation back."""
    row = _api().delete(f"/workspaces/{_part(workspace)}/invitations/{_part(id)}")
    _say(row, as_json, f"The invitation of {row['account']} is taken back.")


def _say(row: Json, as_json: bool, sentence: str) -> None:
    if as_json:
        document(row)
    else:
        Terminal().line(sentence)


def _show(terminal: Terminal, row: Json) -> None:
    since = f"since {moment(row['since'])}" if row["since"] else "since long ago"
    how = " by AUTH_ROLE_MAP" if row["mapped"] else f" by {row['by']}" if row["by"] else ""
    closed = "" if row["active"] else ", closed"
    terminal.line(f"{padded(row['role'], 9)}  ", bold(row["username"]), note(f"  {since}{how}{closed}"))


def _show_mine(terminal: Terminal, row: Json) -> None:
    terminal.line(f"{padded(row['role'], 9)}  ", bold(row["workspace"]))


def _show_invitation(terminal: Terminal, row: Json) -> None:
    state = "accepted" if row["accepted_at"] else f"until {moment(row['expires_at'])}"
    terminal.line(
        f"{row['id']}  ", bold(row["account"]), note(f"  {row['role']} of {row['workspace']}, {state}")
    )


def _part(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
