"""`seatrial logs`: what a preview printed, searched and followed."""

import os
import re
from collections.abc import Iterator
from typing import Annotated

import typer

from seatrial.cli.api import Json, connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.finding import environment_meant
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import padded
from seatrial.cli.terminal import Styled, Terminal, document, note, row_of_json
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.words import SYSTEM_SERVICE, LogSource, LogStream

Preview = Annotated[
    str,
    typer.Argument(
        metavar="[PREVIEW]", help="Its name, such as pr-1-shop. Without: the only one that there is."
    ),
]
Service = Annotated[
    str,
    typer.Option("--service", "-s", metavar="SERVICE", help="Only this one; _system: the deployment itself."),
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with the lines that come. Ctrl-C ends it.")
]
Since = Annotated[
    str, typer.Option("--since", metavar="AGE", help="Only what is no older: 90s, 10m, 2h or 1d.")
]
OfDeployment = Annotated[
    str,
    typer.Option(
        "--deployment", metavar="ID", help="Only of this one. Default: of all since the newest began."
    ),
]
Search = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only lines with this text, whatever its case.")
]
Newest = Annotated[
    int, typer.Option("--tail", "-n", min=0, max=10_000, help="Only so many of the kept lines. 0: all.")
]

WHOLE = "complete"  # REST's word for a log that was read to its end
_AGE = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def logs(
    preview: Preview = "",
    service: Service = "",
    follow: Follow = False,
    since: Since = "",
    deployment: OfDeployment = "",
    search: Search = "",
    tail: Newest = 0,
    as_json: AsJson = False,
) -> None:
    """Show what a preview printed: its builds and its services, as kept for 7 days. Times are in UTC."""
    query = {
        "service": service,
        "since_seconds": seconds_of(since),
        "deployment": deployment,
        "search": search,
        "newest": tail,
        "follow": str(follow).lower(),
    }
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, preview)
    rows = _whole(api.records(f"/environments/{found['id']}/log", **query))
    try:
        if as_json and not follow:
            document(list(rows))
            return
        terminal = Terminal()
        for row in rows:
            if as_json:
                row_of_json(row)
            else:
                _show(terminal, row)
    except KeyboardInterrupt:
        raise Interrupted("no longer followed; the preview goes on.") from None


def seconds_of(age: str) -> int:
    """What `--since` says; nothing is 0. Raises CommandError."""
    if not age:
        return 0
    said = _AGE.fullmatch(age.strip().lower())
    if said is None or not int(said[1]):
        raise CommandError(
            f"--since {age}: no age.", fix="Say it as 90s, 10m, 2h or 1d, such as --since 10m", word="usage"
        )
    return int(said[1]) * _SECONDS[said[2]]


def _whole(rows: Iterator[Json]) -> Iterator[Json]:
    """All lines. Raises CommandError after the last one if some are missing."""
    end = ""
    for row in rows:
        if "end" in row:
            end = row["end"]
            break
        yield row
    if end != WHOLE:
        raise CommandError(
            "the log was cut off: lines are missing.",
            fix=f"Ask again in a moment. If that does not help: {typed('doctor')}",
            word="incomplete",
        )


def _show(terminal: Terminal, row: Json) -> None:
    name = "deployment" if row["service"] == SYSTEM_SERVICE else row["service"]
    wrong = "red" if row["stream"] == LogStream.STDERR and row["source"] == LogSource.SERVICE else ""
    terminal.line(
        note(f"{row['at'][:10]} {row['at'][11:23]} "), padded(name, 12), " ", Styled(row["text"], wrong)
    )
