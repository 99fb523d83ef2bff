"""`seatrial policies`: the group of commands, and what a workspace permits to its policies."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Workspace = Annotated[str, typer.Option("--workspace", help="Its slug.")]
Permit = Annotated[
    bool | None,
    typer.Option("--permit/--forbid", help="Change it, which takes the role admin. Without: show how it is."),
]

policies = typer.Typer(help="The policies of a workspace, and what it permits to them.", no_args_is_help=True)


@policies.command("network")
def network(permit: Permit = None, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Show, permit or forbid the network to policies that ask for it."""
    api = connect(DataDirectory.from_environment(os.environ))
    address = f"/workspaces/{quote(workspace, safe='', errors='replace')}/network"
    row = api.get(address) if permit is None else api.patch(address, {"permitted": permit})
    if as_json:
        document(row)
        return
    terminal = Terminal()
    state = "permitted" if row["permitted"] else "not permitted"
    terminal.line("network for policies of ", bold(row["workspace"]), f": {state}")
    if row["permitted"]:
        terminal.line("  ", note(f"by {row['permitted_by']}, {moment(row['permitted_at'])}"))
    elif row["asking"]:
        order = typed("policies", "network", "--workspace", workspace, "--permit")
        terminal.line("  ", note(f"they are errored; an admin permits it: {order}"))
    terminal.line(f"  asked for by {', '.join(row['asking']) or 'no policy'}")
