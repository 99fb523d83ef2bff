"""`seatrial report`: an evaluation as other tools read it."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import connect
from seatrial.cli.errors import CommandError
from seatrial.cli.terminal import Terminal, note
from seatrial.embedded.layout import DataDirectory

ATTESTATION = "attestation"
FORMATS = ("sarif", "junit", "csv", "markdown", ATTESTATION)
Evaluation = Annotated[
    str,
    typer.Argument(metavar="EVALUATION", help="Its id: `check --json` and the address of its page have it."),
]
Format = Annotated[str, typer.Option("--format", help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write it to this file. Without: show it.")]


def report(evaluation: Evaluation, form: Format = "sarif", output: Output = None) -> None:
    """Give the report of an evaluation that has ended; `attestation` is what `verify` checks."""
    if form not in FORMATS:
        raise CommandError(f"there is no format {form}.", fix=f"Name one: {', '.join(FORMATS)}", word="usage")
    api = connect(DataDirectory.from_environment(os.environ))
    address = f"/evaluations/{quote(evaluation, safe='', errors='replace')}"
    if form == ATTESTATION:
        content = api.get_file(f"{address}/attestation")
    else:
        content = api.get_file(f"{address}/report", format=form)
    terminal = Terminal()
    if output is None:
        terminal.lines(content.decode(errors="replace").removesuffix("\n"), before="")
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandError(
            f"{output} cannot be written: {error.strerror}.", fix="Name another file."
        ) from error
    terminal.line("Saved: ", str(output), note(f"  {len(content)} bytes"))
