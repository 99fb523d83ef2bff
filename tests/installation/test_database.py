"""The database is waited for, and what keeps it from being used is said in one sentence."""

import socket

import pytest
from django.db import connection
from pydantic import SecretStr

from seatrial.control.installation import database
from seatrial.control.installation.database import await_database, refuse_two
from seatrial.control.installation.errors import DatabaseRefuses, NoDatabase, TwoDatabases
from tests.bus.servers import free_port
from tests.installation.postgres_wire import answering

PASSWORD = 'password authentication failed for user "gitgrit"'
SETTINGS = {"HOST": "127.0.0.1", "NAME": "gitgrit", "USER": "gitgrit", "PASSWORD": "of-the-other-stack"}


@pytest.fixture
def port(settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """A port; the settings say that the database is there."""
    port = free_port()
    for name, value in {**SETTINGS, "PORT": str(port)}.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={
            "db_host": "127.0.0.1",
            "db_port": port,
            "db_name": "gitgrit",
            "db_user": "gitgrit",
            "db_password": SecretStr("of-the-other-stack"),
        }
    )
    return port


@pytest.fixture
def two_addresses(port: int, settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """DB_HOST is a name that leads to 127.0.0.1 and 127.0.0.2, as a name on a bridge that two stacks share."""
    monkeypatch.setitem(connection.settings_dict, "HOST", "db")
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"db_host": "db"})
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*kind, (f"127.0.0.{last}", port)) for last in (1, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    return port


def test_a_database_that_starts_later_is_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "AGAIN_SECONDS", 0)
    with answering("127.0.0.1", port, identifier="1", starting=3):
        await_database()


def test_one_that_only_ever_starts_is_given_up(port: int) -> None:
    with (
        answering("127.0.0.1", port, refusal="the database system is starting up"),
        pytest.raises(NoDatabase, match=r"within 0 s: .*starting up"),
    ):
        await_database(patience_seconds=0)


def test_one_that_never_comes_is_named(port: int) -> None:
    with pytest.raises(
        NoDatabase, match=rf"127\.0\.0\.1:{port} did not answer within 0 s: .*refused.*DB_HOST"
    ):
        await_database(patience_seconds=0)


def test_without_a_host_the_variable_is_named(port: int, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"db_host": ""})
    with pytest.raises(NoDatabase, match="DB_HOST is not set"):
        await_database(patience_seconds=0)


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            PASSWORD,
            r"password authentication failed for user \"gitgrit\" at .*second stack.*docker compose -f",
        ),
        ('role "gitgrit" does not exist', r"has no user gitgrit\. Correct DB_USER"),
        ('database "gitgrit" does not exist', r"has no database gitgrit\. Correct DB_NAME"),
        ('no pg_hba.conf entry for host "127.0.0.1"', r"lets nobody in from here"),
    ],
)
def test_a_refusal_is_said_at_once_with_its_fix(port: int, refusal: str, said: str) -> None:
    with answering("127.0.0.1", port, refusal=refusal), pytest.raises(DatabaseRefuses, match=said) as caught:
        await_database()
    assert "of-the-other-stack" not in str(caught.value)


def test_the_words_are_those_of_a_real_server(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = database.settings.CONFIGURATION
    for changed, name in (("db_name", "NAME"), ("db_user", "USER")):
        monkeypatch.setattr(
            database.settings, "CONFIGURATION", configuration.model_copy(update={changed: "nobody"})
        )
        with monkeypatch.context() as patch, pytest.raises(DatabaseRefuses, match=r"has no .* nobody"):
            patch.setitem(connection.settings_dict, name, "nobody")
            await_database()


@pytest.mark.parametrize("other", [{"refusal": PASSWORD}, {"identifier": "2"}], ids=["refuses", "lets us in"])
def test_a_second_stack_is_named_before_anything_is_served(two_addresses: int, other: dict[str, str]) -> None:
    with (
        answering("127.0.0.1", two_addresses, identifier="1"),
        answering("127.0.0.2", two_addresses, **other),
        pytest.raises(
            TwoDatabases, match=r"DB_HOST db leads to different databases \(127.0.0.1, 127.0.0.2\)"
        ),
    ):
        await_database()


def test_several_addresses_of_one_server_are_fine(two_addresses: int) -> None:
    with (
        answering("127.0.0.1", two_addresses, identifier="1"),
        answering("127.0.0.2", two_addresses, identifier="1"),
    ):
        await_database()


def test_an_address_where_nobody_answers_is_no_second_stack() -> None:
    refuse_two(["10.0.0.1", "10.0.0.2"], {"10.0.0.1": "1", "10.0.0.2": None}.get)
