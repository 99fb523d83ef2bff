"""`seatrial audit`: who did what, as a list or a file, and whether the log is as it was sealed."""

import itertools
import os
from collections import deque
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Disappointed
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import mark, moment, padded
from seatrial.cli.terminal import Terminal, bold, document, listing, note
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted
from seatrial.wire.states import ResultState

OfActor = Annotated[str, typer.Option("--actor", help="Only with this text in the actor.")]
OfAction = Annotated[str, typer.Option("--action", help="Only actions that begin so, such as user.")]
OfTarget = Annotated[str, typer.Option("--target", help="Only with this text in the target.")]
Since = Annotated[
    str, typer.Option("--since", help="Only from this time on, such as 2026-05-31T09:30 (UTC).")
]
Until = Annotated[str, typer.Option("--until", help="Only from before this time.")]
Most = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=500)]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Where to write it: its name ends in .csv or .jsonl.")
]
Head = Annotated[
    str,
    typer.Option(
        "--head", help="NUMBER:HASH that an earlier `audit verify` printed: it must be in the chain."
    ),
]
FORMATS = {".csv": "csv", ".jsonl": "jsonl"}
CUT_OFF = (b"-- Cut off", b'{"end": "cut_off"}')
ENDING_BYTES = 400

audit = typer.Typer(help="Who did what, and whether the log of it was changed.", no_args_is_help=True)


@audit.command("list")
def listed(
    actor: OfActor = "",
    action: OfAction = "",
    target: OfTarget = "",
    since: Since = "",
    until: Until = "",
    limit: Most = 50,
    as_json: AsJson = False,
) -> None:
    """List entries, the newest first, of the workspaces where you are admin."""
    wanted = _wanted(actor, action, target, since, until)
    rows = _api().get("/audit", limit=limit, **wanted)
    listing(rows, as_json, _show, none="There is no such entry.", then="Ask for fewer things at once.")


@audit.command("export")
def export(
    file: File,
    actor: OfActor = "",
    action: OfAction = "",
    target: OfTarget = "",
    since: Since = "",
    until: Until = "",
) -> None:
    """Write entries to a file, the oldest first: CSV for spreadsheets, or JSON Lines. However many, it takes little memory."""
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        raise CommandError(f"{file} ends in neither .csv nor .jsonl.", fix="Name the file so.", word="usage")
    wanted = _wanted(actor, action, target, since, until)
    written, ending = 0, b""
    pieces = _api().pieces("/audit/export", format=form, **wanted)
    first = next(pieces, b"")  # what is refused leaves the file as it is
    try:
        with file.open("wb") as out:
            for piece in itertools.chain([first], pieces):
                written += out.write(piece)
                ending = (ending + piece)[-ENDING_BYTES:]
    except OSError as error:
        raise CommandError(
            f"{file} cannot be written: {error.strerror}.", fix="Name another file."
        ) from error
    if ending.rstrip().rpartition(b"\n")[2].startswith(CUT_OFF):
        raise CommandError(f"{file} is not complete: its last line says so.", fix="Export it again.")
    Terminal().line("Saved: ", str(file), note(f"  {written} bytes"))


@audit.command("verify")
def verify(head: Head = "", as_json: AsJson = False) -> None:
    """Verify that every entry is as it was sealed, and none is missing. Keep the head that it prints outside of the platform."""
    lines = deque(_api().records("/audit/verify", head=head), maxlen=1)
    found: Json = lines[0] if lines else {}
    if not found.get("ended"):
        raise CommandError("the verification was cut off.", fix=f"Again: {typed('audit', 'verify')}")
    fault = found["fault"]
    if as_json:
        document(found)
    else:
        _tell(Terminal(), found)
    if fault:
        raise Disappointed("the audit log is not as it was sealed")


def _tell(terminal: Terminal, found: Json) -> None:
    if fault := found["fault"]:
        terminal.line(mark(ResultState.FAILED), " ", bold(fault["says"]))
        terminal.line("  ", note(f"{fault['kind']}; up to {found['head']} it holds"))
        return
    said = f" {counted(found['entries'], 'entry is', 'entries are')} as they were sealed."
    terminal.line(mark(ResultState.PASSED), said)
    if found["removed"]:
        gone = counted(found["removed"], "older entry", "older entries")
        terminal.line("  ", note(f"{gone} aged out, the last on {moment(found['removed_at'])}"))
    if found["waiting"]:
        terminal.line("  ", note(f"{counted(found['waiting'], 'entry waits', 'entries wait')} to be sealed"))
    terminal.line("  head  ", bold(found["head"]))
    terminal.line(
        "  ", note(f"keep it elsewhere; later: {typed('audit', 'verify', '--head', 'NUMBER:HASH')}")
    )


def _show(terminal: Terminal, row: Json) -> None:
    line = f"{moment(row['at'])}  {padded(row['action'], 28)} {row['target']}  "
    terminal.line(line, bold(row["actor"]), note(f"  {row['address'] or ''}"))


def _wanted(actor: str, action: str, target: str, since: str, until: str) -> dict[str, str]:
    """The filters that were given."""
    given = {"actor": actor, "action": action, "target": target, "since": since, "until": until}
    return {name: value for name, value in given.items() if value}


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
