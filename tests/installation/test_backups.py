"""A database that is used is backed up before it is upgraded; a failed upgrade leaves the backup and says the way back."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from seatrial.control.accounts.models import User
from seatrial.control.conninfo import conninfo, environment
from seatrial.control.installation import backups as module
from seatrial.control.installation.backups import Backups
from seatrial.control.installation.errors import CannotBackUp, MigrationFailed, NewerSchema
from seatrial.control.installation.models import Release
from seatrial.control.installation.preparation import prepare
from seatrial.control.installation.schema import read_schema
from seatrial.embedded.components.postgres import from_wheel
from tests.installation.databases import empty_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "backups", from_wheel(tmp_path).binaries / "pg_dump")


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password="correct horse battery")


@pytest.fixture
def older(ada: User, settings) -> Iterator[None]:
    """The database is that of release 1.1, which had fewer migrations; this is release 1.2."""
    Release.objects.create(name="1.1", migrations=sorted(read_schema().applied))
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"tag": "1.2"})
    call_command("migrate", "previews", "0010", verbosity=0)
    yield
    call_command("migrate", verbosity=0)


def in_the_way() -> None:
    """A migration that adds this column fails."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE previews_deployment ADD COLUMN confirmed_at text")


def out_of_the_way() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE previews_deployment DROP COLUMN confirmed_at")


def made(backups: Backups) -> list[Path]:
    return sorted(backups.directory.glob("*.dump"))


def test_an_upgrade_is_backed_up_first(backups: Backups, older: None) -> None:
    missing = len(read_schema().missing)
    done = prepare(lambda: None, backups)
    assert (done.before, done.release, done.steps) == ("1.1", "1.2", missing)
    assert done.backup and made(backups) == [done.backup] and "before-1.2" in done.backup.name
    assert stat.S_IMODE(done.backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backups.directory.stat().st_mode) == 0o700
    with empty_database() as name:
        restore = [
            module._fitting(backups.program).with_name("pg_restore"),
            "--no-owner",
            "--dbname",
            name,
            done.backup,
        ]
        subprocess.run(restore, env={**os.environ, **environment()}, check=True)
        with psycopg.connect(conninfo(dbname=name)) as restored:
            assert restored.execute("SELECT username FROM accounts_user").fetchall() == [("ada",)]
            newest = "SELECT max(name) FROM django_migrations WHERE app = 'previews'"
            assert str(restored.execute(newest).fetchone()).startswith("('0010"), "as it was before"
    assert prepare(lambda: None, backups).backup is None, "it is up to date now"
    assert len(made(backups)) == 1


def test_an_upgrade_that_fails_leaves_the_backup_and_is_tried_again_with_the_same(
    backups: Backups, older: None
) -> None:
    in_the_way()
    failures = []
    for _ in range(2):
        with pytest.raises(MigrationFailed) as caught:
            prepare(lambda: pytest.fail("nothing is made"), backups)
        failures.append(caught.value)
    [backup] = made(backups)
    for failure in failures:
        assert failure.backup == backup
        assert str(failure).startswith("previews.0011_confirmed failed (") and f"is in {backup}" in str(
            failure
        )
    out_of_the_way()
    assert prepare(lambda: None, backups).backup == backup
    call_command("migrate", "previews", "0010", verbosity=0)
    assert prepare(lambda: None, backups).backup not in {backup, None}, "another upgrade gets its own"


def test_nothing_is_backed_up_where_nobody_is_yet(backups: Backups) -> None:
    call_command("migrate", "previews", "0010", verbosity=0)
    assert prepare(lambda: None, backups).backup is None
    assert not backups.directory.exists()


def test_the_newest_three_are_kept_and_what_people_put_there(backups: Backups, ada: User) -> None:
    backups.directory.mkdir()
    for day in range(1, 5):
        (backups.directory / f"2026010{day}T000000Z-before-1.{day}.dump").touch()
    (backups.directory / "20250101T000000Z.dump").touch()
    (backups.directory / ".20260105T000000Z-before-1.5.dump.new").touch()  # it was killed
    newest = backups.before_upgrade("2.0 <rc>")
    assert newest.name.endswith("-before-2.0-rc.dump")
    names = [file.name.split("T")[0] for file in made(backups)]
    assert names == ["20250101", "20260103", "20260104", newest.name.split("T")[0]]
    assert not list(backups.directory.glob(".*.new"))


def test_two_in_one_second_have_names_of_their_own(backups: Backups, ada: User) -> None:
    names = set()
    for _ in range(4):
        names.add(backups.before_upgrade("2.0"))
        backups.finished()
    assert len(names) == 4


def test_without_room_nothing_is_changed(backups: Backups, older: None, monkeypatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=50_000_000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(
        CannotBackUp, match=r"needs up to \d+ MB in .*backups, and 50 MB are free\. Nothing was"
    ):
        prepare(lambda: pytest.fail("nothing is made"), backups)
    assert read_schema().missing and not made(backups)


def test_a_folder_that_cannot_be_used_is_named(backups: Backups, older: None) -> None:
    backups.directory.touch()
    with pytest.raises(CannotBackUp, match=rf"{backups.directory}: File exists\. Nothing was changed"):
        prepare(lambda: pytest.fail("nothing is made"), backups)


def test_a_dump_that_fails_is_said_and_leaves_no_half(backups: Backups, older: None, tmp_path: Path) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho half\necho 'pg_dump: error: the disk is full' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_fitting", lambda _: broken)
        with pytest.raises(CannotBackUp, match="pg_dump: error: the disk is full"):
            prepare(lambda: pytest.fail("nothing is made"), backups)
    assert list(backups.directory.iterdir()) == []


def test_what_makes_the_dump_sees_no_secret_of_ours(backups: Backups, ada: User, tmp_path: Path) -> None:
    looks = tmp_path / "pg_dump"
    looks.write_text("#!/bin/sh\nenv\n")
    looks.chmod(0o755)
    seen = tmp_path / "seen"
    module.dump(seen, looks, {"PGPASSWORD": "of the database"})
    assert "PGPASSWORD=of the database" in seen.read_text()
    assert "SECRET_KEY" not in seen.read_text() and "GALLEY" not in seen.read_text()


def test_an_older_release_names_the_newer_one_and_makes_no_backup(backups: Backups, older: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('previews', '0900_x', now())"
        )
    try:
        with pytest.raises(NewerSchema):
            prepare(lambda: pytest.fail("nothing is made"), backups)
        assert not backups.directory.exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0900_x'")
