"""The database of the embedded platform: brought to this release, with a backup before an upgrade."""

from collections.abc import Mapping
from pathlib import Path

from seatrial.control.installation.prepared import Prepared
from seatrial.embedded.components import control
from seatrial.embedded.components.postgres import Postgres
from seatrial.embedded.errors import CannotRun, ComponentFailed
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.supervisor import Supervisor
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted


async def prepare(
    supervisor: Supervisor,
    data: DataDirectory,
    environment: Mapping[str, str],
    *,
    backed_up_by: Postgres | None,
) -> str:
    """Prepare the database, and return what a person should know of it; empty if nothing has changed.

    Before an upgrade it is backed up by the programs of `backed_up_by`, if there is one.

    Raises CannotRun with the reason why this release and this database do not go together, or ComponentFailed.
    """
    report = data.run / "prepared"
    report.unlink(missing_ok=True)
    pg_dump = backed_up_by.binaries / "pg_dump" if backed_up_by else None
    program = control.first_data(data, environment, pg_dump=pg_dump, report=report)
    try:
        await supervisor.run_once(program)
    except ComponentFailed as failure:
        done = _read(report)
        if not done.problem:
            raise
        ours = bool(backed_up_by and environment["DB_HOST"] == backed_up_by.environment()["DB_HOST"])
        raise CannotRun(done.problem, fix=_fix(data, done, ours=ours) or failure.fix) from failure
    return _told(_read(report))


def _fix(data: DataDirectory, done: Prepared, *, ours: bool) -> str:
    """What a person does next; `ours`: the database is in the data directory."""
    if done.of_master_key:
        return f"The master key of this platform is in {data.keys / 'master-key'}: put the one there that belongs to the database"
    return f"Then: {typed('restore', str(done.backup))}" if done.backup and ours else ""


def _read(report: Path) -> Prepared:
    try:
        return Prepared.model_validate_json(report.read_text())
    except (OSError, ValueError):  # it was killed
        return Prepared()


def _told(done: Prepared) -> str:
    if not done.backup:
        return ""
    before = f"release {done.before}" if done.before else "an earlier release"
    return (
        f"the database was upgraded from {before} to release {done.release} ({counted(done.steps, 'migration')}). "
        f"As it was before: {done.backup}"
    )
