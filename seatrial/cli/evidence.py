"""`seatrial screenshots` and `seatrial compare`: what previews look like, and two deployments beside each other."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import environment_named
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import padded
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory

Preview = Annotated[str, typer.Argument(metavar="PREVIEW", help="Its name, such as pr-1-shop, or its id.")]
Folder = Annotated[Path | None, typer.Option("--out", help="A folder to write the pictures into, as PNG.")]
Other = Annotated[
    str, typer.Option("--with", help="Id of another deployment of the project. Without: the one before.")
]


def screenshots(preview: Preview, out: Folder = None, as_json: AsJson = False) -> None:
    """Show what each web service of a preview looked like, and how much changed."""
    api = connect(DataDirectory.from_environment(os.environ))
    rows = items(api.get(f"/deployments/{_deployment(api, preview)}/screenshots"))
    written = _written(api, rows, out) if out is not None else []
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    if not rows:
        terminal.line("No screenshots yet. A browser looks at each web service once a deployment is live.")
    for row in rows:
        terminal.line(bold(padded(row["service"], 20)), _said(row))
    for path in written:
        terminal.line(note(f"wrote {path}"))


def compare(preview: Preview, other: Other = "", as_json: AsJson = False) -> None:
    """Compare the newest deployment of a preview with another one."""
    api = connect(DataDirectory.from_environment(os.environ))
    found = api.get(f"/deployments/{_deployment(api, preview)}/comparison", other=other)
    if as_json:
        document(found)
        return
    terminal = Terminal()
    terminal.line(bold(found["commits"]))
    for phase in found["phases"]:
        terminal.line(
            f"  {padded(phase['name'], 24)}", f"{_seconds(phase['before'])}  {_seconds(phase['after'])}"
        )
    for service in found["services"]:
        if service["differs"]:
            terminal.line(
                f"  {padded(service['name'], 24)}",
                f"{_image(service['before'])} -> {_image(service['after'])}",
            )
    for variable in found["variables"] or []:
        terminal.line(f"  {padded(variable['name'], 24)}", variable["change"])
    for row in found["screenshots_after"]:
        terminal.line(f"  {padded(row['service'], 24)}", _said(row))


def _deployment(api: Api, preview: str) -> str:
    """Id of its newest deployment."""
    environment = environment_named(api, preview)
    if environment["deployment"] is None:
        raise CommandError(f"{preview} has no deployment yet.", word="not_found")
    return str(environment["deployment"]["id"])


def _written(api: Api, rows: list[Json], folder: Path) -> list[Path]:
    """A file for each picture that there is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(api, row, folder) for row in rows if row["picture_url"]]
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.", word="usage") from error


def _write(api: Api, row: Json, folder: Path) -> Path:
    name = re.sub(r"[^A-Za-z0-9_-]", "-", str(row["service"]))
    path = folder / f"{name}.png"
    path.write_bytes(api.get_file(f"/screenshots/{row['id']}/picture"))
    return path


def _said(row: Json) -> str:
    if not row["taken_at"]:
        return f"{row['state']}: {row['problem']}" if row["problem"] else str(row["state"])
    status = f"HTTP {row['status']}, " if row["status"] else ""
    return f"{status}{row['width']} x {row['height']}{_changed(row['changed'])}"


def _changed(percent: float | None) -> str:
    if percent is None:
        return ""
    return f", {percent:.2f} % changed" if percent else ", looks the same"


def _seconds(value: float | None) -> str:
    return padded("-" if value is None else f"{value:.1f} s", 10)


def _image(side: Json | None) -> str:
    return "not there" if side is None else side["image"] or f"built ({side['kind']})"
