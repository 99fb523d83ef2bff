"""Backups of the database before an upgrade: the newest few, each complete or not there."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from seatrial import files
from seatrial.control.conninfo import conninfo, environment
from seatrial.control.installation.dumping import dump
from seatrial.control.installation.errors import CannotBackUp

KEPT = 3
SPARE_MB = 100
OF_DISTRIBUTION = Path("/usr/lib/postgresql")
UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Backups:
    """The backups in `directory`; `program` is a pg_dump of PostgreSQL, used unless there is one of the server's own version.

    Used under the lock of `installation.lock` only. An upgrade that fails or is killed is tried again, perhaps for days,
    and its backup is made once: the name in `unfinished` is that of the backup from before its first step.
    """

    directory: Path
    program: Path

    @property
    def _unfinished(self) -> Path:
        return self.directory / "unfinished"

    def before_upgrade(self, release: str) -> Path:
        """The backup of the database before it is upgraded to `release`. Raises CannotBackUp; nothing has changed then."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (made := self._of_unfinished()) is not None:
                return made
            for abandoned in self.directory.glob(".*.new"):
                abandoned.unlink()
            _require_space(self.directory)
            made = self._unused(release)
            dump(made, _fitting(self.program), environment())
            files.replace(self._unfinished, made.name, mode=0o600, lasting=True)
            for old in sorted(self.directory.glob("*-before-*.dump"))[:-KEPT]:
                old.unlink()
        except OSError as error:
            raise CannotBackUp(
                f"the backup before the upgrade cannot be written: {error.filename or self.directory}: {error.strerror}. "
                "Nothing was changed; make room or give rights there, and start again."
            ) from error
        return made

    def finished(self) -> None:
        """The database is as the release wants it: the next upgrade gets a backup of its own. Idempotent."""
        self._unfinished.unlink(missing_ok=True)

    def _unused(self, release: str) -> Path:
        """A name that no backup has, by the second; the one before may be of this very second."""
        while True:
            now = datetime.now(UTC)
            named = self.directory / f"{now:%Y%m%dT%H%M%SZ}-before-{UNFIT.sub('-', release).strip('-')}.dump"
            if not named.exists():
                return named
            time.sleep(0.1)

    def _of_unfinished(self) -> Path | None:
        try:
            made = self.directory / self._unfinished.read_text()
        except FileNotFoundError:
            return None
        return made if made.is_file() else None


def _fitting(program: Path) -> Path:
    """A pg_dump of the server's own version, whose dumps that version restores without a complaint; else `program`."""
    with psycopg.connect(conninfo()) as connection:
        major = connection.info.server_version // 10_000
    own = OF_DISTRIBUTION / str(major) / "bin" / "pg_dump"
    found = shutil.which("pg_dump")
    candidates = [own, *([Path(found)] if found else [])]
    return next((one for one in candidates if one.exists() and _major(one) == major), program)


def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    numbers: Iterator[str] = iter(re.findall(r"\d+", said))
    return int(next(numbers, 0))


def _require_space(directory: Path) -> None:
    """A dump is compressed, but the upgrade itself may need as much as it saves."""
    with psycopg.connect(conninfo()) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    needed = (int(row[0]) if row else 0) // 1_000_000 + SPARE_MB
    free = shutil.disk_usage(directory).free // 1_000_000
    if free < needed:
        raise CannotBackUp(
            f"the backup before the upgrade needs up to {needed} MB in {directory}, and {free} MB are free. Nothing was changed; "
            "free some space, and start again."
        )
