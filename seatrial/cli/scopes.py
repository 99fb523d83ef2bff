"""What variables and registry logins belong to, as options: `--project` or `--workspace`, and `--forks`."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import project_named
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Project = Annotated[
    str, typer.Option("--project", help="The project: its name in addresses, or its id.", metavar="PROJECT")
]
Workspace = Annotated[
    str, typer.Option("--workspace", help="In place of a project: the slug of a workspace.", metavar="SLUG")
]
Forks = Annotated[bool, typer.Option("--forks", help="For pull requests from forks, which get nothing else.")]


def place_of(group: str, project: str, workspace: str) -> tuple[Api, str]:
    """The platform, and where it keeps what belongs to one of them. `group` is the command's. Raises CommandError."""
    if bool(project) == bool(workspace):
        raise CommandError(
            "name either --project or --workspace.",
            fix=f"See: {typed(group, '--help')}",
            word="usage",
        )
    api = connect(DataDirectory.from_environment(os.environ))
    if workspace:
        return api, f"/workspaces/{quoted(workspace)}"
    return api, f"/projects/{project_named(api, project)['id']}"


def named(project: str, workspace: str) -> list[str]:
    """The options again, for a hint."""
    return ["--project", project] if project else ["--workspace", workspace]


def tier(forks: bool) -> str:
    """Whose previews it is for."""
    return "forks" if forks else "trusted"


def quoted(text: str) -> str:
    """As a part of an address."""
    return quote(text, safe="", errors="replace")
