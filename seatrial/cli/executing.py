"""`seatrial exec`: a command in a service of a preview."""

import os
import shutil
import sys
from typing import Annotated

import typer

from seatrial.cli.api import Json, connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.finding import environment_meant
from seatrial.cli.terminal import on_a_terminal
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[PREVIEW] -- COMMAND...",
        help="The preview's name, if there are several; then, after --, the command.",
    ),
]
Service = Annotated[
    str,
    typer.Option("--service", "-s", metavar="SERVICE", help="Default: the first that has an address."),
]
Input = Annotated[bool, typer.Option("--interactive", "-i", help="Pass standard input on.")]
Terminal = Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal: for a shell, with -i.")]

NO_CODE = 1  # of a command whose exit code nobody knows


def execute(words: Words, service: Service = "", interactive: Input = False, tty: Terminal = False) -> None:
    """Run a command in a service of a preview. Its exit code is the command's. It takes the role developer."""
    preview, command = parted(words, sys.argv)
    if tty and not on_a_terminal():
        raise CommandError(
            "-t: standard input and output are no terminal.",
            fix="Leave -t out to pass bytes on",
            word="usage",
        )
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, preview)
    size = shutil.get_terminal_size() if tty else os.terminal_size((0, 0))
    wish = {
        "service": service_meant(found, service),
        "command": command,
        "terminal": tty,
        "fed": interactive,
        "rows": size.lines,
        "columns": size.columns,
    }
    from seatrial.cli.carrying import carry

    try:
        code = carry(api, found["id"], wish)
    except KeyboardInterrupt:
        raise Interrupted("the command in the preview is ended.") from None
    raise typer.Exit(NO_CODE if code is None else code)


def parted(words: list[str], typed_words: list[str]) -> tuple[str, list[str]]:
    """The preview, empty if none was named, and the command: what comes after `--`. Raises CommandError."""
    after = typed_words[typed_words.index("--") + 1 :] if "--" in typed_words else []
    before = words[: len(words) - len(after)] if after else words
    if not after or len(before) > 1:
        raise CommandError(
            "say the command after --, and before it at most the name of one preview.",
            fix=f"For example: {typed('exec', '-it', 'pr-1-shop')} -- sh",
            word="usage",
        )
    return (before or [""])[0], after


def service_meant(environment: Json, service: str) -> str:
    """The service that was named, or the first that has an address. Raises CommandError."""
    chosen = service or next(iter(environment["urls"]), "")
    if not chosen:
        raise CommandError(
            f"{environment['name']} has no address: nothing of it has been live yet.",
            fix=f"See what became of it: {typed('logs', environment['name'])}",
            word="not_live",
        )
    return chosen
