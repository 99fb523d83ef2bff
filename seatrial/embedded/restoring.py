"""Backups of the embedded platform's database, and the way back from one: `seatrial backup` and `seatrial restore`."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from seatrial.agent.bus.identity import Identity
from seatrial.control.installation.dumping import MAGIC, dump, last_words, surroundings
from seatrial.control.installation.errors import CannotBackUp
from seatrial.control.vault.keys import MasterKey
from seatrial.embedded import locking, manifest, orphans, preparation, secrets
from seatrial.embedded.components import agent, control
from seatrial.embedded.components.postgres import DATABASE, Postgres, from_wheel
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices, settle
from seatrial.embedded.processes import Records
from seatrial.embedded.progress import Listener, step
from seatrial.embedded.purge import agent_id, purge_engine, purge_processes
from seatrial.embedded.remembered import read
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import typed

RESTORED, FORMER = f"{DATABASE}_restored", f"{DATABASE}_former"


@dataclass(frozen=True)
class Backup:
    """A backup that was made, and the id of the key without which its secrets stay unreadable."""

    file: Path
    key_id: str


def back_up(data: DataDirectory, file: Path | None, environ: Mapping[str, str]) -> Backup:
    """Dump the database, whether the platform runs or not, into a file that does not exist yet. Raises EmbeddedError."""
    require_ours(environ)
    if not (data.postgres / "PG_VERSION").exists():
        raise CannotRun(f"there is no database in {data.root} yet.", fix=f"Start it: {typed('up')}")
    target = (file or _named(data, "")).absolute()
    if target.exists():
        raise CannotRun(f"{target} exists already.", fix="Give another name")
    asyncio.run(_dumped(data, target))
    return Backup(target, MasterKey.parse(secrets.ensure(data).master_key).id)


async def _dumped(data: DataDirectory, target: Path) -> None:
    if locking.running(data):
        await _dump(data, from_wheel(data.postgres), target)
    else:
        async with database_alone(data) as (postgres, _):
            await _dump(data, postgres, target)


async def _dump(data: DataDirectory, postgres: Postgres, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(_write, data, postgres, target)
    except CannotBackUp as error:
        raise CannotRun(str(error)) from error
    except OSError as error:
        raise CannotRun(
            f"{error.filename or target}: {error.strerror}.", fix="Give a file in another folder"
        ) from error


def _write(data: DataDirectory, postgres: Postgres, target: Path) -> None:
    """The dump and its manifest, of the same moment."""
    reach = postgres.environment()
    with (
        psycopg.connect(host=reach["DB_HOST"], user=reach["DB_USER"], dbname=DATABASE) as connection,
        manifest.held(connection) as moment,
    ):
        dump(target, postgres.binaries / "pg_dump", postgres.reach(), snapshot=moment.snapshot)
    key = MasterKey.parse(secrets.ensure(data).master_key).id
    manifest.write(target, manifest.Manifest(release=moment.release, key_id=key, rows=moment.rows))


def restore(data: DataDirectory, file: Path, environ: Mapping[str, str], tell: Listener) -> Path | None:
    """Replace the database by that of a backup, while the platform is stopped. Returns the backup of what was there, if any.

    The backup is restored beside the present database, brought to this release and checked with this platform's master
    key; only then the two change places, in one transaction. Whatever fails before leaves everything as it was. Raises
    EmbeddedError.
    """
    require_ours(environ)
    require_backup(file)
    if locking.running(data):
        again = f"{typed('down')} && {typed('restore', str(file))}"
        raise CannotRun(
            "seatrial runs; its database cannot be replaced under it.", fix=f"Stop it first: {again}"
        )
    data.create()
    return asyncio.run(_restored(data, file.absolute(), environ, tell))


async def _restored(
    data: DataDirectory, file: Path, environ: Mapping[str, str], tell: Listener
) -> Path | None:
    async with database_alone(data) as (postgres, supervisor):
        drop(postgres, FORMER)
        with step(tell, "restoring the backup"):
            await asyncio.to_thread(load, postgres, file, RESTORED)
        try:
            with step(tell, "checking it and bringing it up to date"):
                remembered = read(data.platform_file) or settle(Choices(), data, environ)
                reach = {**postgres.environment(), "DB_NAME": RESTORED}
                there = control.environment(data, remembered, secrets.ensure(data), reach, environ)
                await preparation.prepare(supervisor, data, there, backed_up_by=None)
            before = _named(data, "-before-restore") if _is_used(postgres) else None
            if before:
                with step(tell, "backing up what is there now"):
                    await _dump(data, postgres, before)
            with step(tell, "replacing the database"):
                await _leave_agent(data, postgres, environ)
                _swap(postgres)
        finally:
            drop(postgres, RESTORED, FORMER)
    return before


def require_ours(environ: Mapping[str, str]) -> None:
    """Raises CannotRun if the database is not in the data directory."""
    if host := environ.get("DB_HOST"):
        raise CannotRun(
            f"the database is at {host} (DB_HOST), not in the data directory.",
            fix="Use that server's own pg_dump and pg_restore",
        )


def require_backup(file: Path) -> None:
    """Raises CannotRun if it is no backup."""
    try:
        with file.open("rb") as content:
            found = content.read(len(MAGIC))
    except OSError as error:
        raise CannotRun(f"{file}: {error.strerror}.") from error
    if found != MAGIC:
        raise CannotRun(
            f"{file} is no backup of a database.",
            fix=f"Give a file that {typed('backup')} or an upgrade made",
        )


def _named(data: DataDirectory, purpose: str) -> Path:
    return data.backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}{purpose}.dump"


@asynccontextmanager
async def database_alone(data: DataDirectory) -> AsyncIterator[tuple[Postgres, Supervisor]]:
    """The database without the rest of the platform, which cannot start meanwhile."""
    data.run.mkdir(exist_ok=True)
    with locking.held(data, patience_seconds=2):
        await asyncio.to_thread(orphans.end_all, data)
        supervisor = Supervisor(Records(data.run), data.logs, lambda _: None)
        postgres = from_wheel(data.postgres)
        try:
            await asyncio.to_thread(postgres.prepare)
            await supervisor.start(postgres.component())
            await asyncio.to_thread(postgres.ensure_database)
            yield postgres, supervisor
        finally:
            await supervisor.stop()


def load(postgres: Postgres, file: Path, into: str) -> None:
    """Restore the backup into a new database with this name, which is dropped if that fails."""
    drop(postgres, into)
    with postgres.administer() as connection:
        names = sql.Identifier(into), sql.Identifier(DATABASE)
        connection.execute(sql.SQL("create database {} owner {}").format(*names))
    line: list[str | Path] = [
        postgres.binaries / "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--dbname",
        into,
    ]
    done = subprocess.run(
        [*line, file],
        env=surroundings(postgres.reach()),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        drop(postgres, into)
        raise CannotRun(
            f"{file} cannot be restored: {last_words(done)}.", fix="Nothing was changed. Try another backup"
        )


def drop(postgres: Postgres, *names: str) -> None:
    """Drop these databases, whoever uses them; a no-op for one that is not there."""
    with postgres.administer() as connection:
        for name in names:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )


def _swap(postgres: Postgres) -> None:
    with postgres.administer() as connection, connection.transaction():
        for before, after in ((DATABASE, FORMER), (RESTORED, DATABASE)):
            names = sql.Identifier(before), sql.Identifier(after)
            connection.execute(sql.SQL("alter database {} rename to {}").format(*names))


def _ask(postgres: Postgres, database: str, query: LiteralString, *values: str) -> list[str]:
    """The first column of the answer."""
    reach = postgres.environment()
    with psycopg.connect(host=reach["DB_HOST"], user=reach["DB_USER"], dbname=database) as connection:
        return [str(row[0]) for row in connection.execute(query, values) if row[0] is not None]


def _is_used(postgres: Postgres) -> bool:
    return bool(_ask(postgres, DATABASE, "select to_regclass('accounts_user')"))


async def _leave_agent(data: DataDirectory, postgres: Postgres, environ: Mapping[str, str]) -> None:
    """Remove our agent's identity, so that it joins anew, unless the backup knows the agent with these keys. If it does not
    know the agent at all (the backup is another machine's), also remove what the agent runs: nobody would ever ask for it."""
    if not agent.has_joined(data.agent):
        return
    directory = data.agent / "identity"
    keys = Identity.load(directory)
    known = "select id from fleet_agent where public_key = %s and seal_key = %s"
    if _ask(postgres, RESTORED, known, keys.public_key, keys.seal_key):
        return
    remembered = read(data.platform_file)
    if agent_id(data, remembered) not in _ask(postgres, RESTORED, "select id from fleet_agent"):
        await purge_engine(data, remembered, environ)
        await purge_processes(data)
    shutil.rmtree(directory)
