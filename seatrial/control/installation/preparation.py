"""Preparing the database for this release, before any process of it serves."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import structlog
from django.core.management import call_command

from seatrial.control.database_errors import AWAY
from seatrial.control.installation import release
from seatrial.control.installation.backups import Backups
from seatrial.control.installation.database import await_database
from seatrial.control.installation.errors import MigrationFailed, NoDatabase
from seatrial.control.installation.lock import only_one
from seatrial.control.installation.prepared import Prepared
from seatrial.control.installation.schema import is_used, read_schema, refuse_newer
from seatrial.control.start import refuse_unfit

log = structlog.get_logger(__name__)

FirstData = Callable[[], object]


def prepare(first_data: FirstData, backups: Backups | None = None) -> Prepared:
    """Bring the database to this release, and call `first_data`, which keeps what exists.

    Every process calls it before it serves; several at once take turns, one does it, and the others find it done. A
    process that is killed loses no more than the migration it was in, which is one transaction; the next one goes on.
    It never goes back: a schema that a later release has written is refused, and nothing is changed then, nor when the
    master key is not this database's. With `backups`, a database that is used is backed up before its first migration.
    Raises InstallationError or CannotStart.
    """
    await_database()
    try:
        with only_one():
            done = _prepared(backups)
            first_data()
            if backups:
                backups.finished()
    except (psycopg.OperationalError, *AWAY) as error:
        raise NoDatabase(
            f"the database went away while it was prepared: {' '.join(str(error).split())}. Start again when it is back."
        ) from error
    return done


def _prepared(backups: Backups | None) -> Prepared:
    schema = read_schema()
    refuse_newer(schema)
    refuse_unfit()
    done = Prepared(release=str(release.this_release()), before=release.last(), steps=len(schema.missing))
    if schema.missing and backups and is_used():
        done.backup = backups.before_upgrade(done.release)
    if schema.missing or release.unnoted(schema.applied):
        log.info("migrating the database", before=done.before, release=done.release, steps=done.steps)
        _migrate(done.backup)
        refuse_unfit()
        schema = read_schema()
    release.note(schema.applied)
    return done


def _migrate(backup: Path | None) -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except AWAY:
        raise
    except Exception as error:  # a migration runs anything
        log.exception("a migration failed")
        failed = next(iter(read_schema().missing), "what follows the migrations")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        kept = f"The database as it was before is in {backup}." if backup else "Those before it are done."
        raise MigrationFailed(
            f"{failed} failed ({reason}). Nothing of this migration was kept. {kept} Correct what it says and start again, or go "
            "back: restore the backup from before the upgrade, with the release that you had.",
            backup,
        ) from error
