"""Checks before a process of the control plane serves anything."""

from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error, connection

from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.vault.errors import VaultError
from seatrial.control.vault.services import verify_master_key


class CannotStart(SystemExit):
    """Ends the process with a message on standard error and exit code 1, without a traceback."""


def refuse_unfit() -> None:
    """Raise CannotStart when a key is missing or wrong, or when the organisation's authorities cannot be read.

    Called by the web process, the worker and `bootstrap`. A database that does not answer, or is not migrated yet, is
    no reason to refuse, because that passes by itself. May be called inside an event loop.
    """
    if not settings.CONFIGURATION.secret_key.get_secret_value():
        raise CannotStart(
            "SECRET_KEY is not set. Make one with `openssl rand -hex 32` and never change it again."
        )
    try:
        trusting(settings.CONFIGURATION.authorities)
    except UnfitAuthorities as error:
        raise CannotStart(f"GITGRIT_CUSTOM_CA_FILE_PATH: {error}") from error
    # In a thread, because Django's database API refuses to run in one with an event loop.
    with ThreadPoolExecutor(max_workers=1) as pool:
        problem = pool.submit(_problem).result()
    if problem:
        raise CannotStart(problem)


def _problem() -> str | None:
    try:
        verify_master_key()
    except VaultError as error:
        return str(error)
    except Error:
        return None
    finally:
        connection.close()
    return None
