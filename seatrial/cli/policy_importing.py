"""`seatrial policies import`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli import policy_writing
from seatrial.cli.errors import CommandError, Disappointed
from seatrial.cli.policies import Workspace
from seatrial.cli.policy_reading import api
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Styled, Terminal, bold, document
from seatrial.wire.counted import counted

policies = policy_writing.policies

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="Python files, or GitGrit's standards and packs in YAML; a folder: all in it."
    ),
]
KNOWN = (".py", ".yaml", ".yml", ".md", ".json")


@policies.command("import")
def import_policies(files: Files, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Import policies from files. What is broken is said, and everything else is taken (exit code 1)."""
    wanted = [{"name": name, "text": text} for name, text in _texts(files)]
    address = f"/workspaces/{quote(workspace, safe='', errors='replace')}/policies/import"
    row = api().post(address, {"files": wanted})
    if as_json:
        document(row)
    else:
        terminal = Terminal()
        for what in ("created", "changed", "unchanged"):
            for slug in row[what]:
                terminal.line(f"  {what:<10}", bold(slug))
        for one in row["broken"]:
            place = f"{one['file']}:{one['line']}" if one["line"] else one["file"]
            terminal.line(
                Styled("  broken    ", "red"),
                f"{place}: {one['key'] + ': ' if one['key'] else ''}{one['text']}",
            )
    if row["broken"]:
        raise Disappointed(f"{counted(len(row['broken']), 'thing')} could not be taken.")


def _texts(files: list[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        inside = (
            sorted(one for one in file.rglob("*") if one.suffix in KNOWN and one.is_file())
            if file.is_dir()
            else [file]
        )
        for one in inside:
            name = str(one.relative_to(file)) if file.is_dir() else one.name
            try:
                yield name, one.read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                raise CommandError(f"{one} cannot be read: {why}.", word="unreadable") from error
