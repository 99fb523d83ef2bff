"""What a backup of the database holds, in a file beside it: without it nobody knows whether what was restored is all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from seatrial import files
from seatrial.embedded.errors import CannotRun

RELEASE = "select name from installation_release order by id desc limit 1"


class Manifest(BaseModel):
    """`rows`: how many each table has, at the very moment that the dump shows. `key_id`: of the key that sealed its secrets."""

    made_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    release: str
    key_id: str
    rows: dict[str, int]


@dataclass(frozen=True)
class Moment:
    """One moment of a database. While it is held, pg_dump can show the same one by the name `snapshot`."""

    snapshot: str
    release: str
    rows: dict[str, int]


@contextmanager
def held(connection: psycopg.Connection) -> Iterator[Moment]:
    """Hold the present moment of the database. The connection must be in no transaction."""
    connection.read_only, connection.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        row = connection.execute("select pg_export_snapshot()").fetchone()
        yield Moment(str(row[0]) if row else "", release(connection), rows(connection))


def rows(connection: psycopg.Connection) -> dict[str, int]:
    """How many rows each table has, as this transaction sees it."""
    names = connection.execute("select tablename from pg_tables where schemaname = 'public' order by 1")
    tables = [str(name) for (name,) in names.fetchall()]
    counted = {}
    for table in tables:
        found = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
        counted[table] = int((found.fetchone() or (0,))[0])
    return counted


def release(connection: psycopg.Connection) -> str:
    """The release that prepared it last; empty where none has noted itself."""
    there = connection.execute("select to_regclass('installation_release')").fetchone()
    if not there or there[0] is None:
        return ""
    row = connection.execute(RELEASE).fetchone()
    return str(row[0]) if row else ""


def write(backup: Path, manifest: Manifest) -> None:
    """Put it beside the backup."""
    files.replace(_beside(backup), manifest.model_dump_json(indent=2) + "\n", mode=0o600, lasting=True)


def read(backup: Path) -> Manifest | None:
    """That of a backup; None if it has none. Raises CannotRun if it cannot be read."""
    file = _beside(backup)
    try:
        return Manifest.model_validate_json(file.read_text())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise CannotRun(
            f"{file} is no manifest of a backup.",
            fix="Take it away to do without it: what was restored is not compared then",
        ) from error


def differences(was: dict[str, int], found: dict[str, int]) -> list[str]:
    """One sentence's part for each table that has another number of rows than it was backed up with."""
    return [
        f"{table} has {found.get(table, 0)} rows, and {was.get(table, 0)} were backed up"
        for table in sorted(was.keys() | found.keys())
        if found.get(table) != was.get(table)
    ]


def _beside(backup: Path) -> Path:
    return backup.with_name(f"{backup.name}.json")
