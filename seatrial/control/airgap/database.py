"""Whether the database answers, with the schema of this release."""

from collections.abc import Iterator

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from seatrial.control.airgap.findings import Finding, fail, ok
from seatrial.wire.counted import counted

SETUP = "python manage.py airgap_setup"


def answers() -> Iterator[Finding]:
    """One line."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        yield fail(f"the database does not answer: {said(error)}. {fix()}")
        return
    if missing:
        yield fail(f"the database lacks {counted(len(missing), 'migration')} of this release. Run: {SETUP}")
    else:
        yield ok("the database answers, with the schema of this release")


def said(error: Error) -> str:
    """Its own words, which may be several lines, on one."""
    return " ".join(str(error).split()).rstrip(".?")


def fix() -> str:
    """What to look at."""
    settings = connection.settings_dict
    return (
        f"Check that it runs and that DB_HOST ({settings['HOST']}), DB_USER ({settings['USER']}) and DB_PASSWORD are right. If the password "
        "is refused although it is right, another stack on this host may answer on the same network: docker compose -f "
        "docker-compose.full.yaml down there"
    )
