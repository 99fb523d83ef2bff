"""`seatrial backup` and `seatrial restore`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.errors import Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.terminal import Terminal
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.progress import Event
from seatrial.embedded.typed import typed

Target = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The new file; by default one in backups/ of the data directory."),
]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` or an upgrade made.")]


def backup(file: Target = None) -> None:
    """Back up the database into one file, and say which keys belong to it."""
    from seatrial.embedded.restoring import back_up  # slow, and every command imports this module

    data = DataDirectory.from_environment(os.environ)
    made = back_up(data, file, os.environ)
    terminal = Terminal()
    terminal.line(f"backup: {made.file}")
    terminal.line("Keep these apart from it; the backup does not hold them:")
    terminal.line(
        f"  {data.keys / 'master-key'}  (key {made.key_id}) opens its secrets; without it they are lost"
    )
    terminal.line(f"  {data.keys}  the bus's keys; without them every agent joins anew")
    terminal.line(f"Back to it: {typed('down')} && {typed('restore', str(made.file))}")


def restore(file: Source) -> None:
    """Replace the database by that of a backup, while the platform is stopped. What is there now is backed up first."""
    from seatrial.embedded.restoring import restore as put_back

    data = DataDirectory.from_environment(os.environ)
    terminal = Terminal()
    phases = Phases(terminal)

    def show(event: Event) -> None:
        phases.begin(event.text) if event.kind == "begin" else phases.end(event.text, event.seconds)

    try:
        with phases:
            before = put_back(data, file, os.environ, show)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; nothing is lost. Again: {typed('restore', str(file))}") from None
    terminal.line(f"The database is that of {file}. Start it: {typed('up')}")
    if before:
        terminal.line(f"  before    {before}")
