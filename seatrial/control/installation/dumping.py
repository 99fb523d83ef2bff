"""Dumps of a database by PostgreSQL's own program. Needs neither Django nor its settings."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from seatrial.control.installation.errors import CannotBackUp

KEPT = {"PATH", "HOME", "LANG", "LC_ALL"}
MAGIC = b"PGDMP"  # how a dump in PostgreSQL's custom format begins


def dump(target: Path, program: Path, reach: Mapping[str, str], *, snapshot: str = "") -> None:
    """Write a database into `target`, in PostgreSQL's custom format, for its owner's eyes only; complete or not at all.

    `program` is pg_dump; `reach` are the variables with which it finds the database, because everybody on a machine can
    read a program's arguments. `snapshot`: the moment to show, as somebody holds it. Raises CannotBackUp, or OSError.
    """
    written = target.with_name(f".{target.name}.new")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            done = subprocess.run(
                [
                    program,
                    "--format=custom",
                    "--no-password",
                    *([f"--snapshot={snapshot}"] if snapshot else []),
                ],
                env=surroundings(reach),
                stdout=file,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            os.fsync(file.fileno())
        if done.returncode:
            raise CannotBackUp(f"the backup failed: {last_words(done)}. Nothing was changed.")
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)


def surroundings(reach: Mapping[str, str]) -> dict[str, str]:
    """The environment of one of PostgreSQL's programs: `reach`, and none of our own secrets."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PG")}
    return {**kept, **reach}


def last_words(done: "subprocess.CompletedProcess[str]") -> str:
    """What the program said last, as it ended badly."""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].rstrip(".")
