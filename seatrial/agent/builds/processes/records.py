"""State of the process runtime, kept in files: a restarted agent finds everything its predecessor made."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import files

RECORD = "record.json"


@dataclass(frozen=True)
class Records:
    """One folder per object of a kind; its record is written whole or not at all."""

    directory: Path

    def folder(self, name: str) -> Path:
        """Where the object's files are."""
        return self.directory / re.sub(r"[^A-Za-z0-9._-]", "_", name)

    def read(self, name: str) -> dict[str, Any] | None:
        """The record; None if there is none or it is incomplete."""
        return read_json(self.folder(name) / RECORD)

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Write the record, making the folder."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / RECORD, {"name": name, **record})

    def remove(self, name: str) -> None:
        """Remove the object's folder; a no-op when it is gone."""
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def matching(self, labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Records that carry every one of `labels`."""
        for folder in sorted(self.directory.iterdir()) if self.directory.exists() else []:
            record = read_json(folder / RECORD)
            if record and labels.items() <= record["labels"].items():
                yield record


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object; None if the file is missing or incomplete."""
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return record


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write atomically: a reader sees the old file or the new one."""
    files.replace(path, json.dumps(value))
