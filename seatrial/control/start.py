"""Checks before a process of the control plane serves anything."""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error, connection

from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.configuration import Configuration, unfit_without_internet
from seatrial.control.vault.errors import VaultError, WrongMasterKey
from seatrial.control.vault.fields import keys
from seatrial.control.vault.keys import MasterKey
from seatrial.control.vault.services import verify_master_key
from seatrial.environ.reading import stray

logger = logging.getLogger(__name__)

LEAST_CHARACTERS = 32
LEAST_DIFFERENT = 8
# What examples have in place of a key. None of it comes up in what `openssl rand` writes.
EXAMPLES = re.compile(
    r"change.?me|replace.?(me|this)|your.?(secret|key)|example|insecure|[<>]", re.IGNORECASE
)
SIGNING_FIX = "Make one with `openssl rand -hex 32`."


class CannotStart(SystemExit):
    """Ends the process with a message on standard error and exit code 1, without a traceback.

    `of_master_key`: the master key is among the problems.
    """

    def __init__(self, message: str, *, of_master_key: bool = False) -> None:
        super().__init__(message)
        self.of_master_key = of_master_key


def refuse_unfit() -> None:
    """Raise CannotStart when a key is missing, unfit or wrong, or the organisation's authorities cannot be read; all problems at once.

    Called by the web process, the worker and whatever prepares the database. A database that does not answer, or is not
    migrated yet, is no reason to refuse, because that passes by itself. May be called inside an event loop.
    """
    for sentence in stray(Configuration):
        logger.warning(sentence)
    # In a thread, because Django's database API refuses to run in one with an event loop.
    with ThreadPoolExecutor(max_workers=1) as pool:
        of_vault = pool.submit(_vault_problems).result()
    problems = [*_signing_problems(), *_problems_of_the_address(), *_problems_of_authorities(), *of_vault]
    if problems:
        raise CannotStart("\n".join(problems), of_master_key=bool(of_vault))


def _signing_problems() -> Iterator[str]:
    key = settings.CONFIGURATION.secret_key.get_secret_value()
    if any(_can_be_forged(former) for former in settings.CONFIGURATION.former_secret_keys):
        yield (
            "SECRET_KEY_FALLBACKS has a key that others know or can guess, with which they could sign in as anybody. Unset it: whoever "
            "is signed in now has to sign in anew."
        )
    if not key:
        yield f"SECRET_KEY is not set. {SIGNING_FIX}"
    elif EXAMPLES.search(key):
        yield f"SECRET_KEY is the value of an example, which everybody knows. {SIGNING_FIX}"
    elif _can_be_forged(key):
        yield (
            f"SECRET_KEY can be guessed: {LEAST_CHARACTERS} characters are needed, of which {LEAST_DIFFERENT} differ. {SIGNING_FIX} "
            "Whoever is signed in now has to sign in anew."
        )


def _can_be_forged(key: str) -> bool:
    short = len(key) < LEAST_CHARACTERS or len(set(key)) < LEAST_DIFFERENT
    return short or EXAMPLES.search(key) is not None


def _problems_of_the_address() -> Iterator[str]:
    configuration = settings.CONFIGURATION
    if configuration.airgapped and (said := unfit_without_internet(configuration.site_url)):
        yield f"SITE_URL: {said}"


def _problems_of_authorities() -> Iterator[str]:
    try:
        trusting(settings.CONFIGURATION.authorities)
    except UnfitAuthorities as error:
        yield f"GITGRIT_CUSTOM_CA_FILE_PATH: {error}"


def _vault_problems() -> list[str]:
    try:
        if _is_master_key(settings.CONFIGURATION.secret_key.get_secret_value()):
            return [
                f"SECRET_KEY and {keys().variable} hold the same key; whoever learns one has the other. Keep {keys().variable} and make "
                "another SECRET_KEY with `openssl rand -hex 32`."
            ]
        verify_master_key()
    except WrongMasterKey as error:
        return [f"{error}{_swapped(error.sealed_with)}"]
    except VaultError as error:
        return [str(error)]
    except Error:
        return []
    finally:
        connection.close()
    return []


def _swapped(sealed_with: str) -> str:
    try:
        holds_it = MasterKey.parse(settings.CONFIGURATION.secret_key.get_secret_value()).id == sealed_with
    except VaultError:
        return ""
    return f" (It is in SECRET_KEY: SECRET_KEY and {keys().variable} are swapped.)" if holds_it else ""


def _is_master_key(text: str) -> bool:
    try:
        return MasterKey.parse(text) == keys().current
    except VaultError:
        return False
