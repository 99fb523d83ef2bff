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
    supervisor: Supervisor, data: DataDirectory, postgres: Postgres, environment: Mapping[str, str]
) -> str:
    """Prepare the database, and return what a person should know of it; empty if nothing has changed.

    Raises CannotRun with the reason why this release and this database do not go together, or ComponentFailed.
    """
    report = data.run / "prepared"
    report.unlink(missing_ok=True)
    program = control.first_data(data, environment, pg_dump=postgres.binaries / "pg_dump", report=report)
    try:
        await supervisor.run_once(program)
    except ComponentFailed as failure:
        done = _read(report)
        if not done.problem:
            raise
        fix = f"Then: {typed('restore', str(done.backup))}" if done.backup else failure.fix
        raise CannotRun(done.problem, fix=fix) from failure
    return _told(_read(report))


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
