"""A key that is missing, unfit, an example's, swapped or another database's ends a process before it serves."""

import base64
import secrets

import pytest
from pydantic import SecretStr

from seatrial.control.start import CannotStart, refuse_unfit
from seatrial.control.vault.models import MasterKeyCheck
from seatrial.control.vault.services import verify_master_key

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

SIGNING = secrets.token_hex(32)
FERNET = base64.urlsafe_b64encode(bytes(range(200, 232))).decode()


@pytest.fixture
def started(settings):
    """What a start with these variables ends with; empty if it goes on."""

    def start(**variables: str) -> str:
        given = {"secret_key": SIGNING, "galley_master_key": "", "gitgrit_encryption_key": "", **variables}
        update = {name: SecretStr(value) for name, value in given.items()}
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=update)
        try:
            refuse_unfit()
        except CannotStart as refused:
            return str(refused)
        return ""

    return start


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "SECRET_KEY is not set"),
        ("short", "SECRET_KEY can be guessed: 32 characters are needed"),
        ("ab" * 32, "SECRET_KEY can be guessed"),
        ("django-insecure-" + SIGNING, "SECRET_KEY is the value of an example"),
        ("change-me-to-a-long-random-string-of-letters", "SECRET_KEY is the value of an example"),
        ("<a long random string, made with openssl>", "SECRET_KEY is the value of an example"),
        ("your_secret_key_your_secret_key_0123456789", "SECRET_KEY is the value of an example"),
    ],
)
def test_a_signing_key_that_others_know_or_guess_is_refused(started, key: str, problem: str) -> None:
    said = started(secret_key=key, galley_master_key="11" * 32)
    assert said.startswith(problem) and "openssl rand -hex 32" in said
    assert not key or key not in said


@pytest.mark.parametrize("former", ["short", "change-me-to-a-long-random-string-of-letters", "ab" * 32])
def test_a_former_signing_key_that_others_know_or_guess_is_refused(started, former: str) -> None:
    said = started(galley_master_key="11" * 32, secret_key_fallbacks=f"{SIGNING},{former}")
    assert (
        said.startswith("SECRET_KEY_FALLBACKS has a key that others know or can guess") and former not in said
    )
    assert started(galley_master_key="11" * 32, secret_key_fallbacks=f"{SIGNING}, {SIGNING[::-1]}") == ""


def test_all_problems_are_said_at_once(started) -> None:
    said = started(secret_key="short", galley_master_key="1234").splitlines()
    assert [line.split()[0] for line in said] == ["SECRET_KEY", "GALLEY_MASTER_KEY"]


def test_whether_the_master_key_is_among_the_problems_is_known(started, settings) -> None:
    for variables, among in ({"secret_key": "short"}, False), ({"galley_master_key": "1234"}, True):
        started(**{"galley_master_key": "11" * 32, **variables})
        with pytest.raises(CannotStart) as refused:
            refuse_unfit()
        assert refused.value.of_master_key is among


@pytest.mark.parametrize("key", [secrets.token_hex(32), secrets.token_urlsafe(50)])
def test_what_openssl_and_seatrial_make_is_fit(started, key: str) -> None:
    assert started(secret_key=key, galley_master_key="11" * 32) == ""


def test_a_fernet_key_is_a_master_key_under_both_names(started) -> None:
    assert started(gitgrit_encryption_key=FERNET) == ""
    assert started(galley_master_key=FERNET) == ""
    assert (
        started(galley_master_key=base64.urlsafe_b64decode(FERNET).hex(), gitgrit_encryption_key=FERNET) == ""
    )


def test_two_names_with_two_keys_are_refused(started) -> None:
    said = started(galley_master_key="11" * 32, gitgrit_encryption_key=FERNET)
    assert said.startswith("GALLEY_MASTER_KEY and GITGRIT_ENCRYPTION_KEY are different keys")


def test_neither_name_is_refused_with_both(started) -> None:
    assert started().startswith("GALLEY_MASTER_KEY or GITGRIT_ENCRYPTION_KEY is not set")


@pytest.mark.parametrize("variable", ["GALLEY_MASTER_KEY", "GITGRIT_ENCRYPTION_KEY"])
class TestTheVariableThatWasSet:
    def test_is_named_when_it_is_no_key(self, started, variable: str) -> None:
        assert started(**{variable.lower(): "1234"}).startswith(f"{variable} is too short")

    def test_is_named_when_it_is_of_another_database_with_what_is_lost_and_the_way_back(
        self, started, variable: str
    ) -> None:
        assert started(**{variable.lower(): FERNET}) == ""
        said = started(**{variable.lower(): "22" * 32})
        assert said.startswith(
            f"Encryption key must match: {variable} is not the key this database was sealed"
        )
        assert (
            "webhook secrets" in said
            and f"Set {variable} to the key that was kept with this database" in said
        )
        assert "22" * 16 not in said and FERNET not in said
        assert started(**{variable.lower(): FERNET}) == "", "the right key is the way back"
        assert MasterKeyCheck.objects.count() == 1

    def test_must_not_hold_the_signing_key(self, started, variable: str) -> None:
        said = started(**{"secret_key": SIGNING, variable.lower(): SIGNING})
        assert said.startswith(f"SECRET_KEY and {variable} hold the same key")
        assert SIGNING not in said and not MasterKeyCheck.objects.exists(), "nothing is sealed with it"

    def test_may_be_swapped_and_that_is_said(self, started, variable: str) -> None:
        assert started(**{variable.lower(): FERNET}) == ""
        said = started(**{"secret_key": FERNET, variable.lower(): SIGNING})
        assert f"SECRET_KEY and {variable} are swapped" in said


def test_a_key_is_checked_also_where_a_loop_runs(started) -> None:
    import asyncio

    async def start() -> str:
        return started(galley_master_key="22" * 32)

    verify_master_key()
    assert "not the key this database was sealed with" in asyncio.run(start())
