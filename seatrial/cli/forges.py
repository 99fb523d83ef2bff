"""`seatrial connect` and `seatrial projects`: code hosts, and which of their repositories are under trial."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json
from seatrial.cli.api import connect as connected
from seatrial.cli.authorizing import authorized
from seatrial.cli.errors import CommandError, Disappointed
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment, padded
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Forge = Annotated[
    str, typer.Argument(metavar="FORGE", help="The kind of the code host: github, gitlab, gitea.")
]
Url = Annotated[str, typer.Option("--url", help="Its address. Default: the kind's usual one.")]
Name = Annotated[str, typer.Option("--name", help="What to call it. Default: the account's name there.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file with the token. Default: standard input, or a question."),
]
AppId = Annotated[
    int | None,
    typer.Option("--app-id", min=1, help="The number of a GitHub App to connect, in place of a token."),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="The .pem file with the App's private key, from GitHub.")
]
OAuth = Annotated[
    bool, typer.Option("--oauth", help="Have somebody authorize it in a browser, in place of a token.")
]
ClientId = Annotated[
    str,
    typer.Option(
        "--client-id",
        help="With --oauth: the id of the application at the code host. Default: the one that people sign in with.",
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--client-secret-file", help="A file with its secret. Default: standard input, or a question."
    ),
]
Again = Annotated[
    str, typer.Option("--connection", help="With --oauth: name or id of a connection to authorize again.")
]
Connection = Annotated[
    str, typer.Option("--connection", help="Name or id of the connection. Default: the only one there is.")
]
Names = Annotated[list[str], typer.Argument(metavar="OWNER/NAME...", help="Repositories at the code host.")]
Search = Annotated[str, typer.Option("--search", help="Only those whose names contain this.")]

projects = typer.Typer(help="List the repositories under trial; add more from a code host.")


def connect(
    forge: Forge,
    url: Url = "",
    name: Name = "",
    token_file: TokenFile = None,
    app_id: AppId = None,
    key_file: KeyFile = None,
    oauth: OAuth = False,
    client_id: ClientId = "",
    client_secret_file: SecretFile = None,
    connection: Again = "",
    as_json: AsJson = False,
) -> None:
    """Connect a code host, by a token, a GitHub App, or (--oauth) an authorization of GitLab, Gitea or Forgejo.

    The credential is tried first, and stored encrypted. Connecting again under the same name replaces it. An authorization
    takes a browser: its address is printed, and waited for; with --json it is in the document, and `state` at
    /api/v1/authorizations/ID says what became of it.
    """
    terminal = Terminal(quiet=as_json)
    asked = {"base_url": url, "name": name}
    if oauth:
        api = _api()
        wanted = {**asked, "forge": forge, **_application(api, client_id, client_secret_file, connection)}
        answer = api.post("/authorizations", wanted)
        if not as_json:
            answer = authorized(api, terminal, answer)
    elif app_id is not None or key_file is not None:
        key = _key(forge, app_id, key_file)
        answer = _api().post(f"/{forge}/apps", {**asked, "app_id": app_id, "private_key": key})
    else:
        answer = _api().post("/connections", {**asked, "forge": forge, "credential": _token(token_file)})
    if as_json:
        document(answer)
        return
    account = answer["account"]
    terminal.line("Connected ", bold(answer["name"]), f" as {account['login']}")
    if account["expires_at"]:
        terminal.line("  ", warning(f"the token ends on {moment(account['expires_at'])}"))
    for right in account["rights"]:
        if right["given"] is False:
            terminal.line("  ", warning(f"it lacks {right['name']}: {right['without']}"))
    terminal.line("  ", note(f"See its repositories: {typed('projects', 'available')}"))
    terminal.line("  ", note(f"Choose some: {typed('projects', 'add', 'OWNER/NAME')}"))


@projects.callback(invoke_without_command=True)
def list_projects(context: typer.Context, as_json: AsJson = False) -> None:
    """List the repositories under trial; add more from a code host."""
    if context.invoked_subcommand is not None:
        return
    rows = _api().get("/projects")
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    if not rows:
        terminal.line("No repository is under trial.")
        terminal.line("  ", note(f"Preview one on this machine: {typed('preview', 'PATH')}"))
        terminal.line("  ", note(f"Or connect a code host: {typed('connect', 'github')}"))
    for row in rows:
        terminal.line(padded(row["slug"], 24), padded(row["forge"], 10), row["web_url"])


@projects.command("available")
def available(connection: Connection = "", search: Search = "", as_json: AsJson = False) -> None:
    """List the repositories that a connection reaches."""
    api = _api()
    rows = api.get(f"/connections/{chosen(api, connection)['id']}/repositories", search=search)
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        said = "under trial" if row["project"] else "" if row["manageable"] else "no webhook can be made"
        terminal.line(padded(row["full_name"], 40), note(said))
    if not rows:
        terminal.line("The connection reaches no such repository.")


@projects.command("add")
def add(names: Names, connection: Connection = "", as_json: AsJson = False) -> None:
    """Put repositories under trial: their pull requests get previews and verdicts from now on."""
    api = _api()
    answer = api.post(f"/connections/{chosen(api, connection)['id']}/projects", {"repositories": names})
    if as_json:
        document(answer)
    else:
        terminal = Terminal()
        for row in answer["projects"]:
            terminal.line("Under trial: ", bold(row["full_name"]))
        for row in answer["refused"]:
            terminal.line(warning(f"{row['full_name']}: {row['why']}"))
    if answer["refused"]:
        raise Disappointed(f"not under trial: {', '.join(row['full_name'] for row in answer['refused'])}")


def _api() -> Api:
    return connected(DataDirectory.from_environment(os.environ))


def chosen(api: Api, wanted: str, *, local: bool = False) -> Json:
    """The connection of this name or id; without one, the only one on a server of its own, or else the local one."""
    every: list[Json] = api.get("/connections")
    rows = [row for row in every if row["base_url"]]
    if local and (wanted or not rows):
        rows = every
    if wanted:
        rows = [row for row in rows if wanted in (row["id"], row["name"])]
    if len(rows) == 1:
        return rows[0]
    if rows:
        names = ", ".join(row["name"] for row in rows)
        raise CommandError(
            f"there are several connections: {names}.", fix="Say which one: --connection NAME", word="usage"
        )
    raise CommandError(
        f"there is no connection {wanted}." if wanted else "no code host is connected.",
        fix=f"Connect one: {typed('connect', 'github')}",
        word="not_found",
    )


def _key(forge: str, app_id: int | None, file: Path | None) -> str:
    """The private key of an App, from its file."""
    if forge != "github" or app_id is None or file is None:
        raise CommandError(
            "an App is connected with its number and its private key, and only GitHub has Apps.",
            fix=f"Say both: {typed('connect', 'github', '--app-id', '12345', '--key-file', 'key.pem')}",
            word="usage",
        )
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"the key file {file} cannot be read: {error}", word="usage") from error


def _application(api: Api, client_id: str, secret_file: Path | None, connection: str) -> Json:
    """The application that is authorized: another one, that of the connection, or that of sign-in."""
    application: Json = {"connection": chosen(api, connection)["id"]} if connection else {}
    if client_id:
        application |= {"client_id": client_id, "client_secret": _secret("secret", secret_file)}
    elif secret_file is not None:
        raise CommandError(
            "the secret of an application is given without its id.",
            fix="Say both: --client-id ID",
            word="usage",
        )
    return application


def _token(file: Path | None) -> str:
    return _secret("token", file)


def _secret(what: str, file: Path | None) -> str:
    """A secret, never from the command line, where every process could read it."""
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"the {what} file {file} cannot be read: {error}", word="usage") from error
    if sys.stdin.isatty():
        return getpass.getpass(f"{what.capitalize()}: ").strip()
    return sys.stdin.read().strip()
