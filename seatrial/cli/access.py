"""`seatrial access`: who gets into previews."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import environment_named, project_named
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, listing, note
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

access = typer.Typer(
    help="Who gets into previews: everybody, or who knows a password, comes from an address, or signs in.",
    no_args_is_help=True,
)

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name in addresses, or its id.")]
Preview = Annotated[str, typer.Argument(metavar="PREVIEW", help="Its name, such as pr-1-shop, or its id.")]
Mode = Annotated[str, typer.Argument(metavar="MODE", help="public, basic, addresses or members.")]
Guest = Annotated[str, typer.Argument(metavar="GUEST", help="Its id, as `access guests` shows it.")]
Username = Annotated[str, typer.Option("--username", help="Of basic.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help="Of basic: a file with the password. -: standard input. Without: it stays."
    ),
]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="Of addresses: an address or a network; may be given several times."),
]
AtOnce = Annotated[bool, typer.Option("--apply", help="Also for previews that run, at once.")]
Rotate = Annotated[bool, typer.Option("--rotate", help="Make one, or another one; the old one ends.")]
Revoke = Annotated[bool, typer.Option("--revoke", help="End it.")]
Hours = Annotated[int, typer.Option("--hours", help="How long the link is valid: 1 to 720.")]
For = Annotated[str, typer.Option("--note", help="For whom it is; only your team sees it.")]


@access.command("show")
def show(project: Project, as_json: AsJson = False) -> None:
    """Show who gets into a project's previews. It takes the role admin."""
    api, row = _found(project)
    _shown(api.get(f"/projects/{row['id']}/access"), row, as_json)


@access.command("set")
def decide(
    project: Project,
    mode: Mode,
    username: Username = "",
    password_file: PasswordFile = None,
    address: Addresses = None,
    apply: AtOnce = False,
    as_json: AsJson = False,
) -> None:
    """Decide who gets in, from each preview's next deployment on. It takes the role admin."""
    api, row = _found(project)
    wanted = {
        "mode": mode,
        "username": username,
        "password": _password(password_file),
        "addresses": address or [],
    }
    api.put(f"/projects/{row['id']}/access", wanted)
    if apply:
        api.post(f"/projects/{row['id']}/access/apply")
    _shown(api.get(f"/projects/{row['id']}/access"), row, as_json)


@access.command("apply")
def apply(project: Project, as_json: AsJson = False) -> None:
    """Have previews that run ask for what was decided last, at once. It takes the role admin."""
    api, row = _found(project)
    answer = api.post(f"/projects/{row['id']}/access/apply")
    if as_json:
        document(answer)
        return
    Terminal().line(bold(row["name"]), f": applied to {counted(answer['previews'], 'preview')}.")


@access.command("token")
def token(project: Project, rotate: Rotate = False, revoke: Revoke = False, as_json: AsJson = False) -> None:
    """Show, make or end the bypass token, with which programs get in. It takes the role admin."""
    if rotate and revoke:
        raise CommandError(
            "--rotate and --revoke exclude each other.",
            fix=f"See: {typed('access', 'token', '--help')}",
            word="usage",
        )
    api, row = _found(project)
    path = f"/projects/{row['id']}/bypass-token"
    if revoke:
        api.delete(path)
        _done(
            {"project": row["id"], "revoked": True},
            "Programs that show the token stay out from now on.",
            as_json,
        )
        return
    answer = api.post(path) if rotate else api.get(path)
    if as_json:
        document(answer)
        return
    Terminal().line(bold(answer["token"]))


@access.command("guests")
def guests(preview: Preview, as_json: AsJson = False) -> None:
    """List the guest links of a preview."""
    api = _api()
    row = environment_named(api, preview)
    listing(
        api.get(f"/environments/{row['id']}/guests"),
        as_json,
        _guest,
        none="Nobody is invited.",
        then=f"Invite somebody: {typed('access', 'invite', row['name'])}",
    )


@access.command("invite")
def invite(preview: Preview, hours: Hours = 72, note: For = "", as_json: AsJson = False) -> None:
    """Make a link by which people without an account get into one preview. It takes the role developer."""
    api = _api()
    row = environment_named(api, preview)
    link = api.post(f"/environments/{row['id']}/guests", {"hours": hours, "note": note})
    if as_json:
        document(link)
        return
    terminal = Terminal()
    terminal.line(bold(link["url"]))
    terminal.line("  ", _until(link))


@access.command("uninvite")
def uninvite(guest: Guest, as_json: AsJson = False) -> None:
    """End a guest link; whoever came by it stays out from now on. It takes the role developer."""
    _api().delete(f"/guests/{guest}")
    _done({"id": guest, "revoked": True}, "Whoever came by this link stays out from now on.", as_json)


def _shown(answer: Json, row: Json, as_json: bool) -> None:
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    details = answer["username"] or ", ".join(answer["addresses"])
    terminal.line(bold(row["name"]), f": {answer['mode']}", f" ({details})" if details else "")
    terminal.line("  ", note("a bypass token for programs" if answer["bypass_token"] else "no bypass token"))
    if answer["behind"]:
        behind = (
            f"{counted(answer['behind'], 'preview')} let people in as before, until the next deployment or"
        )
        terminal.line("  ", f"{behind} {typed('access', 'apply', row['slug'])}")


def _guest(terminal: Terminal, link: Json) -> None:
    terminal.line(f"{link['id']}  ", bold(link["note"] or "anybody with the link"))
    terminal.line("  ", _until(link), note(f"  {link['by']}, {moment(link['created_at'])}"))


def _until(link: Json) -> str:
    return f"until {moment(link['expires_at'])}"


def _done(said: Json, words: str, as_json: bool) -> None:
    if as_json:
        document(said)
        return
    Terminal().line(words)


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return (sys.stdin.read() if str(file) == "-" else file.read_text()).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"the password in {file} cannot be read: {error}.", fix="Name a file of text.", word="usage"
        ) from error


def _found(project: str) -> tuple[Api, Json]:
    api = _api()
    return api, project_named(api, project)


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
