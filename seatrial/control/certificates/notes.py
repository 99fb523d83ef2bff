"""What the ingress and the check of files left: lines about certificates that went wrong."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ERRORS, OWN = "errors", "own"  # the names of the files: of the ingress, of `galley-server certificate`
MOST_BYTES = 256 << 10
MOST_CHARACTERS = 400
SAID = re.compile(r'error="((?:[^"\\]|\\.)*)"')
SINCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SECRET = re.compile(r"(?<=://)[^/@\s]+@")  # a name and a password in an address


def of_ingress(folder: Path | None, name: str, others: Iterable[str], since: datetime) -> str:
    """The newest error since then that names `name`, or none of `others`; empty if there is none."""
    for line in reversed(_lines(folder, ERRORS)):
        if _moment(line) < since.replace(microsecond=0):
            return ""
        if name in line or not any(other in line for other in others):
            found = SAID.search(line)
            said = found[1].replace('\\"', '"') if found else line
            return SECRET.sub("", said)[:MOST_CHARACTERS]
    return ""


def of_own(folder: Path | None) -> list[str]:
    """What is wrong with the operator's files, a sentence each."""
    return _lines(folder, OWN)


def _lines(folder: Path | None, name: str) -> list[str]:
    if folder is None:
        return []
    try:
        with (folder / name).open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace").splitlines()
    except OSError:  # nobody has left anything
        return []


def _moment(line: str) -> datetime:
    found = SINCE.match(line)
    return datetime.fromisoformat(found[0]) if found else datetime.now(UTC)
