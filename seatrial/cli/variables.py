"""`seatrial variables`: variables and secrets of previews, of a project or of a workspace."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.scopes import Forks, Project, Workspace, named, place_of, quoted, tier
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

variables = typer.Typer(
    help="Variables and secrets of previews: of a project, or with --workspace of all its projects.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as STRIPE_KEY.")]
ValueFile = Annotated[
    Path | None,
    typer.Option("--value-file", help="A file with the value. -: standard input. Without: you are asked."),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A .env file. -: standard input.")]
Plain = Annotated[
    bool, typer.Option("--plain", help="No secret: developers see its value, and logs do not mask it.")
]
Builds = Annotated[
    bool, typer.Option("--builds", help="Recipes may give it to their builds too, as a secret of a step.")
]
AtOnce = Annotated[
    bool, typer.Option("--redeploy", help="Also deploy previews again that run with what was set before.")
]


@variables.command("list")
def listed(project: Project = "", workspace: Workspace = "", as_json: AsJson = False) -> None:
    """List them; secrets without values. It takes the role developer."""
    api, place = place_of("variables", project, workspace)
    answer = api.get(f"{place}/variables")
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    for row in answer["variables"]:
        _line(terminal, row)
    if not answer["variables"]:
        terminal.line("No variable is set.")
        terminal.line("  ", f"Set one: {typed('variables', 'set', 'NAME', *named(project, workspace))}")
    if answer["behind"]:
        again = typed("variables", "redeploy", *named(project, workspace))
        terminal.line(
            f"{counted(answer['behind'], 'preview')} run with what was set before, until the next deployment or {again}"
        )


@variables.command("set")
def put(
    name: Name,
    project: Project = "",
    workspace: Workspace = "",
    value_file: ValueFile = None,
    plain: Plain = False,
    forks: Forks = False,
    builds: Builds = False,
    redeploy: AtOnce = False,
    as_json: AsJson = False,
) -> None:
    """Set one. The value is read from where no process list shows it. It takes the role admin."""
    api, place = place_of("variables", project, workspace)
    wanted = {
        "value": _value(name, value_file),
        "secret": not plain,
        "tier": tier(forks),
        "builds": builds,
    }
    answer = api.put(f"{place}/variables/{quoted(name)}", wanted)
    _changed(api, place, answer, redeploy, as_json)


@variables.command("import")
def take(
    file: File,
    project: Project = "",
    workspace: Workspace = "",
    plain: Plain = False,
    forks: Forks = False,
    redeploy: AtOnce = False,
    as_json: AsJson = False,
) -> None:
    """Set those of a .env file; one line that is wrong refuses all. It takes the role admin."""
    api, place = place_of("variables", project, workspace)
    answer = api.post(f"{place}/variables", {"text": _read(file), "secret": not plain, "tier": tier(forks)})
    _changed(api, place, answer, redeploy, as_json)


@variables.command("unset")
def unset(
    name: Name,
    project: Project = "",
    workspace: Workspace = "",
    forks: Forks = False,
    as_json: AsJson = False,
) -> None:
    """End one. Previews that have it keep it until their next deployment. It takes the role admin."""
    api, place = place_of("variables", project, workspace)
    api.delete(f"{place}/variables/{quoted(name)}", tier=tier(forks))
    if as_json:
        document({"name": name, "tier": tier(forks), "unset": True})
        return
    Terminal().line(bold(name), " is unset. Previews that have it keep it until their next deployment.")


@variables.command("reveal")
def reveal(
    name: Name,
    project: Project = "",
    workspace: Workspace = "",
    forks: Forks = False,
    as_json: AsJson = False,
) -> None:
    """Print the value of one, which the audit log then says. It takes the role admin."""
    api, place = place_of("variables", project, workspace)
    answer = api.post(f"{place}/variables/{quoted(name)}/reveal?tier={tier(forks)}")
    if as_json:
        document(answer)
        return
    Terminal().line(answer["value"])


@variables.command("redeploy")
def redeploy(project: Project = "", workspace: Workspace = "", as_json: AsJson = False) -> None:
    """Deploy previews again that run with what was set before. It takes the role admin."""
    api, place = place_of("variables", project, workspace)
    answer = api.post(f"{place}/redeploy")
    if as_json:
        document(answer)
        return
    Terminal().line(_begun(answer))


def _line(terminal: Terminal, row: Json) -> None:
    value = "(secret)" if row["secret"] else row["value"]
    words = [
        "for forks" if row["tier"] == "forks" else "",
        "for builds too" if row["builds"] else "",
        "of the workspace" if row["inherited"] else "",
        "overridden" if row["overridden"] else "",
        "too short to be masked" if row["secret"] and not row["masked"] else "",
        f"{row['by']}, {moment(row['created_at'])}",
    ]
    terminal.line(bold(row["name"]), f"={value}  ", note(" · ".join(filter(None, words))))


def _changed(api: Api, place: str, answer: Json, again: bool, as_json: bool) -> None:
    begun = api.post(f"{place}/redeploy") if again else {}
    if as_json:
        document({**answer, **begun})
        return
    terminal = Terminal()
    terminal.line("Set: ", bold(", ".join(answer["changed"]))) if answer["changed"] else terminal.line(
        "Nothing was different."
    )
    if again:
        terminal.line(_begun(begun))


def _begun(answer: Json) -> str:
    return f"{counted(answer['previews'], 'preview')} deployed again, each its own commit."


def _value(name: str, file: Path | None) -> str:
    if file is not None:
        return _read(file).removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise CommandError(
            "no value was given.",
            fix=f"Name a file, or pipe it: {typed('variables', 'set', name, '--value-file', '-')}",
            word="usage",
        )
    return getpass.getpass(f"Value of {name}: ")


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"the file {file} cannot be read: {error}.", fix="Name a file of text.", word="usage"
        ) from error
