"""What the ingress writes down of each request that it is done with: by which route, when, for how long, and what kind of program asked.

It writes neither addresses, paths nor cookies. The file is read to its end and emptied once it is long; whoever reads it
first, and how often, does not matter.
"""

import contextlib
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from seatrial.control.previews.models import Label
from seatrial.control.previews.sleeping import callers, services

LONGEST = 4_000_000  # bytes, before it is emptied
MOST_AT_ONCE = 16_000_000
_HEADERS = {f"request_{name}": name for name in callers.READ}


class Visits:
    """Reads the file from where it stopped. `known`: whether there is one, so that what it does not say did not happen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_until = 0
        self.known = False

    def read(self) -> int:
        """Note all visits since the last call; returns how many environments had some."""
        latest: dict[str, datetime] = {}
        for line in self._lines():
            label, at = _visit(line)
            if label and at is not None:
                latest[label] = max(at, latest.get(label, at))
        return _note(latest)

    def _lines(self) -> list[bytes]:
        try:
            with self._file.open("rb") as opened:
                size = opened.seek(0, 2)
                begins = self._read_until if self._read_until <= size else 0
                opened.seek(max(begins, size - MOST_AT_ONCE))
                whole, newline, _ = opened.read().rpartition(b"\n")
                self._read_until = max(begins, size - MOST_AT_ONCE) + len(whole) + len(newline)
        except OSError:
            self.known = False
            return []
        self.known = True
        self._empty()
        return whole.splitlines()

    def _empty(self) -> None:
        """Where it is somebody else's file, whoever runs the ingress empties it. It appends, so it goes on at the beginning."""
        if self._read_until > LONGEST and self._file.stat().st_size == self._read_until:
            with contextlib.suppress(PermissionError):
                os.truncate(self._file, 0)
                self._read_until = 0


def _visit(line: bytes) -> tuple[str, datetime | None]:
    """The hostname's label and when the visit ended; empty if it was none, or never reached the preview."""
    try:
        said: dict[str, Any] = json.loads(line)
        headers = {name: str(said.get(key, "")) for key, name in _HEADERS.items()}
        if not said.get("OriginStatus") or not callers.counts(headers):
            return "", None
        began = datetime.fromisoformat(said["StartUTC"])
        lasted = timedelta(microseconds=int(said["Duration"]) / 1_000)
        return str(said["RouterName"]).partition("@")[0].partition(".")[0], began + lasted
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", None  # the rest of a line that was written while the file was emptied


def _note(latest: dict[str, datetime]) -> int:
    rows = Label.objects.filter(label__in=latest, environment__isnull=False)
    visited: dict[str, datetime] = {}
    for label, environment in rows.values_list("label", "environment_id"):
        visited[environment] = max(latest[label], visited.get(environment, latest[label]))
    for environment, at in visited.items():
        services.visited(environment, at)
    return len(visited)
