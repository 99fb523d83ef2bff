"""`seatrial registry`: the logins with which previews pull private images, of a project or of a workspace."""

import getpass
import sys
from typing import Annotated

import typer

from seatrial.cli.api import Json
from seatrial.cli.errors import CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.scopes import Forks, Project, Workspace, named, place_of, quoted, tier
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.typed import typed

registry = typer.Typer(
    help="Logins for registries with private images: of a project, or with --workspace of all its projects.",
    no_args_is_help=True,
)

Registry = Annotated[
    str,
    typer.Argument(metavar="REGISTRY", help="Such as registry.example.com:5000; docker.io for Docker Hub."),
]
Username = Annotated[
    str, typer.Option("--username", help="The user name that the registry is given.", metavar="NAME")
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password or token from standard input. Without: you are asked."
    ),
]


@registry.command("list")
def listed(project: Project = "", workspace: Workspace = "", as_json: AsJson = False) -> None:
    """List them, without passwords. It takes the role developer."""
    api, place = place_of("registry", project, workspace)
    answer = api.get(f"{place}/registries")
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    for row in answer["registries"]:
        _line(terminal, row)
    if not answer["registries"]:
        terminal.line("No registry login is set.")
        terminal.line(
            "  ",
            f"Set one: {typed('registry', 'set', 'REGISTRY', '--username', 'NAME', *named(project, workspace))}",
        )


@registry.command("set")
def put(
    name: Registry,
    username: Username,
    project: Project = "",
    workspace: Workspace = "",
    password_stdin: PasswordStdin = False,
    forks: Forks = False,
    as_json: AsJson = False,
) -> None:
    """Set the login for a registry, in place of one that is set. The password is in no process list. It takes the role admin."""
    api, place = place_of("registry", project, workspace)
    wanted = {"username": username, "password": _password(name, password_stdin), "tier": tier(forks)}
    answer = api.put(f"{place}/registries/{quoted(name)}", wanted)
    if as_json:
        document(answer)
        return
    Terminal().line("The login for ", bold(answer["registry"]), " is set. Pulls that begin use it.")


@registry.command("remove")
def remove(
    name: Registry,
    project: Project = "",
    workspace: Workspace = "",
    forks: Forks = False,
    as_json: AsJson = False,
) -> None:
    """Remove the login for a registry. Previews that run keep running. It takes the role admin."""
    api, place = place_of("registry", project, workspace)
    api.delete(f"{place}/registries/{quoted(name)}", tier=tier(forks))
    if as_json:
        document({"registry": name, "tier": tier(forks), "removed": True})
        return
    Terminal().line("The login for ", bold(name), " is removed. Previews that run keep running.")


def _line(terminal: Terminal, row: Json) -> None:
    words = [
        "for forks" if row["tier"] == "forks" else "",
        "of the workspace" if row["inherited"] else "",
        "overridden" if row["overridden"] else "",
        f"{row['by']}, {moment(row['created_at'])}",
    ]
    terminal.line(bold(row["registry"]), f"  {row['username']}  ", note(" · ".join(filter(None, words))))


def _password(name: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise CommandError(
            "no password was given.",
            fix=f"Pipe it: {typed('registry', 'set', name, '--username', 'NAME', '--password-stdin')}",
            word="usage",
        )
    return getpass.getpass(f"Password or token for {name}: ")
