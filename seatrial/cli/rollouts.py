"""`seatrial policies level`: how far policies are rolled out."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.policies import Workspace
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.states import Level

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Its slug, such as no-secrets, or its id.")]
Wanted = Annotated[
    str, typer.Argument(metavar="LEVEL", help=f"One of {', '.join(Level)}. Without: show how it is.")
]


def level(
    policy: Policy, wanted: Wanted = "", workspace: Workspace = "default", as_json: AsJson = False
) -> None:
    """Show or change how much a policy's failures weigh. Changing it takes the role admin."""
    api = _api()
    row = api.get(f"{_address(policy)}/rollout", workspace=workspace)
    _show(api.patch(f"{_address(row['id'])}/level", {"level": wanted}) if wanted else row, as_json)


def _show(row: Json, as_json: bool) -> None:
    if as_json:
        document(row)
        return
    terminal = Terminal()
    terminal.line(bold(row["policy"]), f": {row['level']}", note(f"  in {row['workspace']}"))


def _address(policy: str) -> str:
    return f"/policies/{_quoted(policy)}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
