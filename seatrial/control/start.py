"""Checks before a process of the control plane serves anything."""

import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error, connection

from seatrial.control.configuration import Configuration
from seatrial.control.vault.errors import VaultError
from seatrial.control.vault.services import verify_master_key
from seatrial.environ.reading import stray

logger = logging.getLogger(__name__)


class CannotStart(SystemExit):
    """Ends the process with a message on standard error and exit code 1, without a traceback."""


def refuse_unfit() -> None:
    """Raise CannotStart when a key is missing or wrong.

    Called by the web process, the worker and `bootstrap`. A database that does not answer, or is not migrated yet, is
    no reason to refuse, because that passes by itself. May be called inside an event loop.
    """
    for sentence in stray(Configuration):
        logger.warning(sentence)
    if not settings.CONFIGURATION.secret_key.get_secret_value():
        raise CannotStart(
            "SECRET_KEY is not set. Make one with `openssl rand -hex 32` and never change it again."
        )
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
