"""A data directory of an older checkout is upgraded, after a backup that can be restored; one of a newer checkout is refused."""

import asyncio
import importlib
import os
from pathlib import Path

import psycopg
import pytest

from seatrial.control.installation.prepared import Prepared
from seatrial.embedded import locking, preparation, restoring, secrets
from seatrial.embedded.components import bus, control
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.errors import CannotRun, ComponentFailed
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram, Records
from seatrial.embedded.progress import Event
from seatrial.embedded.remembered import Remembered, write
from seatrial.embedded.restoring import back_up, restore
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import typed

OURS = ("DB_", "GALLEY_", "GITGRIT_", "SECRET_KEY", "TAG", "GIT_SHA")
CHAIN = importlib.import_module("seatrial.control.audit.migrations.0004_chain")
TAKE_BACK = (
    "DELETE FROM django_migrations WHERE app = 'audit' AND name = '0004_chain'",
    CHAIN.UNGUARD,
    "DROP TABLE audit_chain, audit_unsealed, audit_anchors, audit_verification",
)
OF_LATER = "UPDATE django_migrations SET name = '0004_later' WHERE app = 'audit' AND name = '0004_chain'"
NOTED_BY_LATER = "UPDATE installation_release SET migrations = '[\"audit.0004_later\"]' WHERE name = '1.2'"


def quiet(event: Event) -> None:
    """Nobody listens."""


def environ(tag: str = "1.1") -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**inherited, "TAG": tag, "GIT_SHA": "1f" * 20}


def started(data: DataDirectory, tag: str, *statements: str) -> str:
    """What a start of that release says, after these statements."""

    async def start() -> str:
        async with restoring.database_alone(data) as (postgres, supervisor):
            reach = postgres.environment()
            if statements:
                changed(reach["DB_HOST"], *statements)
            remembered = Remembered(port=1, ingress_port=2, nats_port=3, traefik_port=4)
            write(data.platform_file, remembered)
            there = control.environment(data, remembered, secrets.ensure(data), reach, environ(tag))
            return await preparation.prepare(supervisor, data, there, backed_up_by=postgres)

    return asyncio.run(start())


def noted(data: DataDirectory) -> list[str]:
    """The releases that have noted themselves in the database."""

    async def ask() -> list[str]:
        async with restoring.database_alone(data) as (postgres, _):
            return restoring._ask(postgres, "seatrial", "SELECT name FROM installation_release ORDER BY id")

    return asyncio.run(ask())


def changed(host: str, *statements: str) -> None:
    with psycopg.connect(host=host, user="seatrial", dbname="seatrial", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(1_800)  # five starts, and the machine may have others to do
def test_an_upgrade_can_be_undone_from_its_backup_and_a_later_schema_is_refused(data: DataDirectory) -> None:
    bus.identity(data)
    assert started(data, "1.1") == "", "a new platform is no upgrade"
    told = started(data, "1.2", *TAKE_BACK)
    [backup] = data.backups.glob("*.dump")
    assert told.startswith(
        "the database was upgraded from release 1.1 (1f1f1f1f1f1f) to release 1.2 (1f1f1f1f1f1f)"
    )
    assert told.endswith(f"As it was before: {backup}") and backup.stat().st_mode & 0o777 == 0o600

    with pytest.raises(CannotRun, match=r"was written by release 1\.2 .*; this is release 1\.1 .*is older"):
        started(data, "1.1", OF_LATER, NOTED_BY_LATER)

    key = (data.keys / "master-key").read_text()
    (data.keys / "master-key").write_text("22" * 32)
    with pytest.raises(CannotRun, match="Encryption key must match") as refused:
        restore(data, backup, environ(), quiet)
    assert str(data.keys / "master-key") in refused.value.fix
    (data.keys / "master-key").write_text(key)
    before = restore(data, backup, environ(), quiet)
    assert before and before.exists(), "what was there is kept"
    assert noted(data) == ["1.1"], "the database is that of release 1.1"
    last = back_up(data, None, environ())
    assert last.file.parent == data.backups and last.file.stat().st_mode & 0o777 == 0o600


async def test_an_upgrade_that_failed_says_the_way_back(data: DataDirectory) -> None:
    class Failing(Supervisor):
        async def run_once(self, program: ChildProgram) -> None:
            done = Prepared(problem="a migration failed.", backup=Path("/b.dump"))
            (data.run / "prepared").write_text(done.model_dump_json())
            raise ComponentFailed("it ended with exit code 1", fix="The whole log: first-data.log")

    supervisor = Failing(Records(data.run), data.logs, lambda _: None)
    postgres = from_wheel(data.postgres)
    for host, fix in {
        postgres.environment()["DB_HOST"]: f"Then: {typed('restore', '/b.dump')}",
        "db.example": "The whole log: first-data.log",  # it is restored by that server's own means
    }.items():
        with pytest.raises(CannotRun, match="a migration failed") as failed:
            await preparation.prepare(supervisor, data, {"DB_HOST": host}, backed_up_by=postgres)
        assert failed.value.fix == fix


def test_there_is_nothing_to_back_up_before_the_first_start(data: DataDirectory) -> None:
    with pytest.raises(CannotRun, match="there is no database"):
        back_up(data, None, {})


def test_a_database_elsewhere_is_left_to_its_server(data: DataDirectory, tmp_path: Path) -> None:
    for attempt in (
        lambda: back_up(data, None, {"DB_HOST": "db.example"}),
        lambda: restore(data, tmp_path, {"DB_HOST": "db.example"}, quiet),
    ):
        with pytest.raises(CannotRun, match=r"the database is at db\.example"):
            attempt()


def test_a_file_that_exists_is_not_overwritten(data: DataDirectory, tmp_path: Path) -> None:
    data.postgres.joinpath("PG_VERSION").write_text("18\n")
    (tmp_path / "there").write_text("precious")
    with pytest.raises(CannotRun, match="exists already"):
        back_up(data, tmp_path / "there", {})
    assert (tmp_path / "there").read_text() == "precious"


@pytest.mark.parametrize("content", [None, b"", b"PGDM", b"-- a dump in SQL", b"\x1f\x8b\x08"])
def test_what_is_no_backup_is_refused_before_anything_happens(
    data: DataDirectory, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    with pytest.raises(CannotRun, match=rf"{tmp_path / 'file'}.*(No such file|is no backup)"):
        restore(data, tmp_path / "file", {}, quiet)


def test_nothing_is_replaced_under_a_running_platform(data: DataDirectory, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"PGDMP")
    with locking.only_one(data), pytest.raises(CannotRun, match="seatrial runs") as refused:
        restore(data, tmp_path / "file", {}, quiet)
    assert typed("down") in refused.value.fix


def test_a_database_of_another_postgresql_says_the_way(data: DataDirectory) -> None:
    data.postgres.joinpath("PG_VERSION").write_text("17\n")
    with pytest.raises(
        CannotRun, match="was made by PostgreSQL 17, and this release has PostgreSQL 18"
    ) as refused:
        from_wheel(data.postgres).prepare()
    assert typed("backup", "FILE") in refused.value.fix and typed("restore", "FILE") in refused.value.fix
