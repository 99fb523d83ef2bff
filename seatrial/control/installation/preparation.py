"""Preparing the database for this release, before any process of it serves."""

from collections.abc import Callable

import structlog
from django.core.management import call_command

from seatrial.control.installation import release
from seatrial.control.installation.database import await_database
from seatrial.control.installation.lock import only_one
from seatrial.control.installation.schema import read_schema, refuse_newer
from seatrial.control.start import refuse_unfit

log = structlog.get_logger(__name__)

FirstData = Callable[[], object]


def prepare(first_data: FirstData) -> None:
    """Bring the database to this release, and call `first_data`, which keeps what exists.

    Every process calls it before it serves; several at once take turns, one does it, and the others find it done. A
    process that is killed loses no more than the migration it was in, which is one transaction; the next one goes on.
    It never goes back: a schema that a later release has written is refused, and nothing is changed then, nor when the
    master key is not this database's. Raises InstallationError, CannotStart, or what a migration raises.
    """
    await_database()
    with only_one():
        schema = read_schema()
        refuse_newer(schema)
        refuse_unfit()
        if schema.missing or release.unnoted(schema.applied):
            log.info("migrating the database", release=str(release.this_release()), steps=len(schema.missing))
            call_command("migrate", interactive=False, verbosity=0)
            refuse_unfit()
        release.note(read_schema().applied)
        first_data()
