"""`seatrial restore --drill`: whether a backup can be restored, tried in a database of its own, which is gone afterwards."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from seatrial.embedded import locking, manifest, preparation, restoring, secrets
from seatrial.embedded.components import control
from seatrial.embedded.components.postgres import DATABASE, Postgres, from_wheel
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices, settle
from seatrial.embedded.processes import Records
from seatrial.embedded.progress import Listener, step
from seatrial.embedded.remembered import read
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import typed

DRILLED = f"{DATABASE}_drill"
LOCK = 0x5EA7D  # PostgreSQL advisory lock of the one drill that may run


@dataclass(frozen=True)
class Drilled:
    """A backup that was restored, checked, and thrown away again. `compared`: it has the rows that its manifest names."""

    file: Path
    seconds: float
    release: str
    tables: int
    rows: int
    compared: bool


def drill(data: DataDirectory, file: Path | None, environ: Mapping[str, str], tell: Listener) -> Drilled:
    """Restore a backup (the newest one, if none is given) beside the real database, whether the platform runs or not.

    It is compared with its manifest, then brought to this release and checked with this platform's master key. The real
    database and every file of the platform stay as they are. Raises EmbeddedError.
    """
    restoring.require_ours(environ)
    chosen = (file or _newest(data)).absolute()
    restoring.require_backup(chosen)
    if not (data.postgres / "PG_VERSION").exists():
        raise CannotRun(f"there is no database in {data.root} yet.", fix=f"Start it: {typed('up')}")
    return asyncio.run(_drilled(data, chosen, environ, tell))


def _newest(data: DataDirectory) -> Path:
    found = sorted(data.backups.glob("*.dump"))
    if not found:
        raise CannotRun(f"there is no backup in {data.backups}.", fix=f"Make one: {typed('backup')}")
    return found[-1]


async def _drilled(data: DataDirectory, file: Path, environ: Mapping[str, str], tell: Listener) -> Drilled:
    began = time.monotonic()
    told = manifest.read(file)
    async with _database(data) as postgres:
        with postgres.administer() as alone:
            _only_one(alone)
            try:
                with step(tell, "restoring the backup beside the database"):
                    await asyncio.to_thread(restoring.load, postgres, file, DRILLED)
                with step(tell, "comparing it with its manifest" if told else "counting its rows"):
                    release, rows = await asyncio.to_thread(_compared, postgres, file, told)
                with step(tell, "checking its key and bringing it up to date"):
                    await _checked(data, postgres, environ)
            finally:
                restoring.drop(postgres, DRILLED)
    return Drilled(file, time.monotonic() - began, release, len(rows), sum(rows.values()), told is not None)


@asynccontextmanager
async def _database(data: DataDirectory) -> AsyncIterator[Postgres]:
    if locking.running(data):
        yield from_wheel(data.postgres)
    else:
        async with restoring.database_alone(data) as (postgres, _):
            yield postgres


def _only_one(connection: psycopg.Connection) -> None:
    row = connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if not row or not row[0]:
        raise CannotRun("another drill is under way.", fix="Wait until it has ended")


def _compared(postgres: Postgres, file: Path, told: manifest.Manifest | None) -> tuple[str, dict[str, int]]:
    reach = postgres.environment()
    with psycopg.connect(host=reach["DB_HOST"], user=reach["DB_USER"], dbname=DRILLED) as connection:
        release, rows = manifest.release(connection), manifest.rows(connection)
    if told and (wrong := manifest.differences(told.rows, rows)):
        raise CannotRun(
            f"{file} does not hold what its manifest says: {'; '.join(wrong[:5])}.",
            fix=f"Do not rely on it. Make another: {typed('backup')}",
        )
    return release, rows


async def _checked(data: DataDirectory, postgres: Postgres, environ: Mapping[str, str]) -> None:
    """As a restore does it. What that writes into files goes into a folder that is removed: the platform's token stays."""
    remembered = read(data.platform_file) or settle(Choices(), data, environ)
    reach = {**postgres.environment(), "DB_NAME": DRILLED}
    there = control.environment(data, remembered, secrets.ensure(data), reach, environ)
    with tempfile.TemporaryDirectory(prefix="drill-", dir=data.root) as folder:
        scratch = DataDirectory(Path(folder))
        scratch.create()
        secrets.ensure(scratch)
        supervisor = Supervisor(Records(scratch.run), scratch.logs, lambda _: None)
        await preparation.prepare(supervisor, scratch, there, backed_up_by=None)
