"""A backup is tried: it is restored beside the database, compared with its manifest, checked, and gone; nothing else changes."""

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import psycopg
import pytest

from seatrial.embedded import drilling, manifest, restoring
from seatrial.embedded.components import bus
from seatrial.embedded.drilling import LOCK, drill
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.restoring import back_up
from seatrial.embedded.typed import typed
from tests.embedded.test_upgrade import changed, environ, quiet, started


def databases(data: DataDirectory) -> list[str]:
    async def ask() -> list[str]:
        async with restoring.database_alone(data) as (postgres, _):
            return restoring._ask(postgres, "seatrial", "SELECT datname FROM pg_database ORDER BY 1")

    return asyncio.run(ask())


def at_database(data: DataDirectory, *statements: str) -> None:
    async def change() -> None:
        async with restoring.database_alone(data) as (postgres, _):
            changed(postgres.environment()["DB_HOST"], *statements)

    asyncio.run(change())


def files_of(data: DataDirectory) -> dict[str, str]:
    """What a person or another process reads there."""
    kept = (data.token, data.admin_password, data.keys / "master-key", data.platform_file)
    return {str(path): path.read_text() for path in kept if path.exists()}


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(1_800)  # several starts, and the machine may have others to do
def test_a_backup_is_restored_compared_checked_and_thrown_away(data: DataDirectory) -> None:
    bus.identity(data)
    started(data, "1.1")
    made = back_up(data, None, environ())
    told = manifest.read(made.file)
    assert told is not None and told.release == "1.1" and told.key_id == made.key_id
    assert told.rows["accounts_user"] == 1
    assert made.file.with_name(f"{made.file.name}.json").stat().st_mode & 0o777 == 0o600
    # What came since is in no drill, and no drill takes it away; the command's token is none that the backup knows.
    data.token.write_text("another\n")
    at_database(data, "UPDATE accounts_user SET first_name = 'since'")
    before, listed = files_of(data), databases(data)

    done = drill(data, None, environ("1.2"), quiet)
    assert (done.file, done.compared, done.release) == (made.file, True, "1.1")
    assert (done.tables, done.rows) == (len(told.rows), sum(told.rows.values()))
    assert files_of(data) == before and databases(data) == listed
    assert sorted(path.name for path in data.root.glob("drill-*")) == []
    assert kept_names(data) == ["since"], "the database is as it was"

    key = (data.keys / "master-key").read_text()
    (data.keys / "master-key").write_text("22" * 32)
    with pytest.raises(CannotRun, match="Encryption key must match"):
        drill(data, made.file, environ(), quiet)
    (data.keys / "master-key").write_text(key)

    beside = made.file.with_name(f"{made.file.name}.json")
    content = json.loads(beside.read_text())
    content["rows"]["accounts_user"] = 5
    beside.write_text(json.dumps(content))
    with pytest.raises(CannotRun, match="accounts_user has 1 rows, and 5 were backed up"):
        drill(data, made.file, environ(), quiet)
    beside.unlink()
    assert drill(data, made.file, environ(), quiet).compared is False
    assert databases(data) == listed, "nothing is left of those that were refused"


def kept_names(data: DataDirectory) -> list[str]:
    async def ask() -> list[str]:
        async with restoring.database_alone(data) as (postgres, _):
            return restoring._ask(postgres, "seatrial", "SELECT first_name FROM accounts_user")

    return asyncio.run(ask())


@pytest.mark.parametrize(("free", "refused"), [(True, False), (False, True)])
def test_one_drill_runs_at_a_time(free: bool, refused: bool) -> None:
    class Answers:
        def execute(self, query: str, values: list[int]) -> "Answers":
            assert "pg_try_advisory_lock" in query and values == [LOCK]
            return self

        def fetchone(self) -> tuple[bool]:
            return (free,)

    with pytest.raises(CannotRun, match="another drill is under way") if refused else nullcontext():
        drilling._only_one(cast(psycopg.Connection, Answers()))


def test_without_a_backup_the_way_to_one_is_said(data: DataDirectory, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="there is no backup") as refused:
        drill(data, None, {}, quiet)
    assert typed("backup") in refused.value.fix
    with pytest.raises(CannotRun, match=r"the database is at db\.example"):
        drill(data, None, {"DB_HOST": "db.example"}, quiet)
    (tmp_path / "file").write_bytes(b"-- a dump in SQL")
    with pytest.raises(CannotRun, match="is no backup of a database"):
        drill(data, tmp_path / "file", {}, quiet)


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.dump.json").write_text("{")
    with pytest.raises(CannotRun, match=r"b\.dump\.json is no manifest"):
        manifest.read(tmp_path / "b.dump")
    assert manifest.read(tmp_path / "c.dump") is None


def test_every_table_that_differs_is_named() -> None:
    found = manifest.differences({"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 1, "new": 4})
    assert [one.split()[0] for one in found] == ["b", "gone", "new"]
