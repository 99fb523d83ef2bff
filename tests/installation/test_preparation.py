"""Processes prepare the database in any order and at once, and go on where one that died left off."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.apps import apps

from seatrial.control.conninfo import conninfo
from seatrial.control.installation.lock import LOCK
from tests.installation.databases import empty_database, start
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
HOLDER = """
    SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND (classid::bigint << 32 | objid::bigint) = %s
"""


@pytest.fixture
def database() -> Iterator[str]:
    with empty_database() as name:
        yield name


def rows(database: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo(dbname=database), autocommit=True) as connection:
        found = connection.execute(query, values)
        return found.fetchall() if found.description else []


def tables(app: str) -> list[str]:
    return [model._meta.db_table for model in apps.get_app_config(app).get_models()]


def of_an_earlier_release(database: str) -> None:
    """It has all but the tables of two apps, on which no other depends."""
    made = start(database, "manage", "migrate")
    output, _ = made.communicate(timeout=240)
    assert made.returncode == 0, output
    for app in ("rescans", "scores"):
        rows(
            database,
            f"DROP TABLE {', '.join(tables(app))}; DELETE FROM django_migrations WHERE app = '{app}'",
        )


def holder(database: str) -> int | None:
    """The process that has the lock."""
    found = rows(database, HOLDER, LOCK)
    return int(str(found[0][0]).rpartition(" ")[2]) if found else None


def bootstrap(database: str, folder: Path) -> subprocess.Popen[str]:
    (folder / "password").write_text("correct horse battery")
    files = ["--password-file", str(folder / "password"), "--token-file", str(folder / "token")]
    return start(database, "manage", "bootstrap", *files)


@pytest.mark.timeout(1_800)  # four processes, and the machine may have others to do
def test_of_four_at_once_one_prepares_and_when_it_is_killed_the_next_goes_on(
    database: str, tmp_path: Path
) -> None:
    of_an_earlier_release(database)
    [(there,)] = rows(database, "SELECT count(*) FROM django_migrations")
    with psycopg.connect(conninfo(dbname=database)) as in_the_way:
        # Whoever makes this table, too, waits for this transaction, in the second migration that it lacks.
        in_the_way.execute(f"CREATE TABLE {tables('scores')[0]} ()")
        processes = {one.pid: one for one in (bootstrap(database, tmp_path) for _ in range(4))}
        eventually(lambda: rows(database, WAITS), seconds=180, what="one waits in its migration")
        killed = processes.pop(holder(database) or 0)
        assert rows(database, "SELECT count(*) FROM django_migrations") > [(there,)]
        killed.kill()
        killed.communicate()
        eventually(lambda: holder(database) in processes, seconds=180, what="another one has the lock")
        in_the_way.rollback()
    for process in processes.values():
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
    assert rows(database, "SELECT count(*) FROM vault_masterkeycheck") == [(1,)]
    assert rows(database, "SELECT count(*) FROM accounts_user") == [(1,)]
    applied = {f"{app}.{name}" for app, name in rows(database, "SELECT app, name FROM django_migrations")}
    [(noted,)] = rows(database, "SELECT migrations FROM installation_release")
    assert set(noted) == applied, "also those that the killed one applied"
