"""`seatrial backup` and `seatrial restore`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import seconds
from seatrial.cli.terminal import Terminal, document
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.progress import Event, Listener
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

Target = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", help="The new file; by default one in backups/ of the data directory."),
]
Source = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="A file that `backup` or an upgrade made. With --drill, by default the newest in backups/.",
    ),
]
Drill = Annotated[
    bool,
    typer.Option(
        "--drill",
        help="Only try whether it can be restored, in a database of its own that is removed. The platform may run.",
    ),
]


def backup(file: Target = None) -> None:
    """Back up the database into one file, and say which keys belong to it."""
    from seatrial.embedded.restoring import back_up  # slow, and every command imports this module

    data = DataDirectory.from_environment(os.environ)
    made = back_up(data, file, os.environ)
    terminal = Terminal()
    terminal.line(f"backup: {made.file}")
    terminal.line(f"Try whether it can be restored: {typed('restore', '--drill', str(made.file))}")
    terminal.line("Keep these apart from it; the backup does not hold them:")
    terminal.line(
        f"  {data.keys / 'master-key'}  (key {made.key_id}) opens its secrets; without it they are lost"
    )
    terminal.line(f"  {data.keys}  the bus's keys; without them every agent joins anew")
    terminal.line(f"Back to it: {typed('down')} && {typed('restore', str(made.file))}")


def restore(file: Source = None, drill: Drill = False, as_json: AsJson = False) -> None:
    """Replace the database by that of a backup, while the platform is stopped. What is there now is backed up first."""
    data = DataDirectory.from_environment(os.environ)
    if drill:
        _drill(data, file, as_json=as_json)
        return
    if file is None:
        raise CommandError("no backup is named.", fix=f"Name one: {typed('restore', 'FILE')}")
    before = _put_back(data, file, quiet=as_json)
    if as_json:
        document({"file": str(file), "before": str(before) if before else None})
        return
    terminal = Terminal()
    terminal.line(f"The database is that of {file}. Start it: {typed('up')}")
    if before:
        terminal.line(f"  before    {before}")


def _put_back(data: DataDirectory, file: Path, *, quiet: bool) -> Path | None:
    from seatrial.embedded.restoring import restore as put_back

    try:
        with _listening(quiet=quiet) as show:
            return put_back(data, file, os.environ, show)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; nothing is lost. Again: {typed('restore', str(file))}") from None


def _drill(data: DataDirectory, file: Path | None, *, as_json: bool) -> None:
    from seatrial.embedded import drilling

    try:
        with _listening(quiet=as_json) as show:
            done = drilling.drill(data, file, os.environ, show)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; nothing was changed. Again: {typed('restore', '--drill')}") from None
    if as_json:
        document({**asdict(done), "file": str(done.file)})
        return
    terminal = Terminal()
    word = "as its manifest says" if done.compared else "not compared: it has no manifest"
    terminal.line(f"{done.file} can be restored, which took {seconds(done.seconds)}. Nothing was changed.")
    terminal.line(f"  holds     {counted(done.rows, 'row')} in {counted(done.tables, 'table')} ({word})")
    terminal.line(f"  release   {done.release or 'not noted'}")


@contextmanager
def _listening(*, quiet: bool) -> Iterator[Listener]:
    """What shows each step as it is begun and ended, or shows nothing."""
    if quiet:
        yield lambda _: None
        return
    phases = Phases(Terminal())

    def show(event: Event) -> None:
        phases.begin(event.text) if event.kind == "begin" else phases.end(event.text, event.seconds)

    with phases:
        yield show
