"""The steps of `airgap_setup`, in their order. The first that fails ends it; what came before stays done, and all may be repeated."""

from collections.abc import Callable, Iterator

import psycopg
from django.db import Error

from seatrial.control.airgap import bundle, database, sign_in, site
from seatrial.control.airgap.errors import NotMigrated
from seatrial.control.configuration import Configuration
from seatrial.control.installation.preparation import prepare


def steps(configuration: Configuration, migrate: Callable[[], None]) -> Iterator[str]:
    """A line for each thing done. Raises ControlError, or CannotStart. Safe beside a running server, and any number of times.

    `migrate` waits while another process prepares the database, and then finds nothing to do.
    """
    yield f"SITE_URL OK: {site.required(configuration)}"
    found = bundle.required(configuration)
    yield f"Operator CA bundle OK: {found.path} ({found.size} bytes)"
    yield f"Operator CA bundle: {found.read.summary}"
    yield from (f"Warning: operator CA bundle: {complaint}." for complaint in found.read.complaints)
    yield "Running migrations..."
    try:
        migrate()
        yield from sign_in.synced(configuration)
    except (Error, psycopg.Error) as error:
        raise NotMigrated(
            f"the database cannot be prepared: {database.said(error)}. Mend that, and run this again"
        ) from error
    yield "Air-gap setup complete."


def migrated() -> None:
    """Bring the database to this release, as every process of the server does before it serves. No first data is made."""
    prepare(lambda: None)
