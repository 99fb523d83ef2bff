"""Whether the database answers, with the schema of this release."""

from collections.abc import Iterator

from django.db import Error

from seatrial.control.airgap.findings import Finding, fail, ok
from seatrial.control.installation.database import await_database
from seatrial.control.installation.errors import InstallationError
from seatrial.control.installation.schema import read_schema, refuse_newer
from seatrial.wire.counted import counted

SETUP = "python manage.py airgap_setup"


def answers() -> Iterator[Finding]:
    """One line. A database that does not answer now is not waited for."""
    try:
        await_database(patience_seconds=0)
        schema = read_schema()
        refuse_newer(schema)
    except InstallationError as error:
        yield fail(str(error))
    except Error as error:
        yield fail(f"the database does not answer: {said(error)}")
    else:
        if schema.missing:
            yield fail(
                f"the database lacks {counted(len(schema.missing), 'migration')} of this release. Run: {SETUP}"
            )
        else:
            yield ok("the database answers, with the schema of this release")


def said(error: Exception) -> str:
    """Its own words, which may be several lines, on one."""
    return " ".join(str(error).split()).rstrip(".?")
