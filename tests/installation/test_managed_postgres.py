"""PostgreSQL that somebody else runs: TLS as the settings ask for it, and a failover in the middle of the work."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import override_settings

from seatrial.control.accounts.models import Workspace
from seatrial.control.configuration import Configuration
from seatrial.control.conninfo import options
from seatrial.control.installation import database
from tests import factories
from tests.installation.relay import Relay
from tests.installation.test_start import ask, serving
from tests.waiting import eventually
from tests.worker.storm import answers, can_kill_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
LOOK = (
    "import django; django.setup(); from seatrial.control.installation.database import await_database; "
    "await_database(1); from django.db import connection; connection.ensure_connection(); "
    "print('in TLS' if connection.connection.pgconn.ssl_in_use else 'in plain')"
)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with Relay(tmp_path / "tls").serving() as relay:
        yield relay


def settings(relay: Relay, **more: str) -> dict[str, str]:
    """Of a program that reaches the tests' database through the relay."""
    return {"DB_HOST": "localhost", "DB_PORT": str(relay.port), "DB_POOL_SIZE": "4", **more}


def reached(relay: Relay, **more: str) -> str:
    """How a process of ours got there, or why it did not."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "seatrial.control.settings",
            "DB_NAME": str(connection.settings_dict["NAME"]),
            **settings(relay, **more),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def refused(relay: Relay, **more: object) -> str:
    """What is said about the connection that these settings make."""
    configuration = Configuration(db_host="localhost", db_port=relay.port, **more)
    ours = connection.settings_dict
    try:
        psycopg.connect(
            host="localhost", port=relay.port, user=str(ours["USER"]), dbname=str(ours["NAME"]), **options(configuration)
        ).close()  # fmt: skip
    except psycopg.OperationalError as error:
        with override_settings(CONFIGURATION=configuration):
            return database._refusal(str(error)) or f"waits: {error}"
    return ""


def test_it_is_reached_with_tls_if_its_certificate_is_right(relay: Relay) -> None:
    assert reached(relay, DB_SSLMODE="verify-full", DB_CA_FILE=str(relay.authorities)) == "in TLS"
    assert refused(relay, db_sslmode="verify-full", gitgrit_custom_ca_file_path=relay.authorities) == ""


def test_what_is_wrong_about_its_tls_is_said_with_the_fix(relay: Relay) -> None:
    strangers = refused(relay, db_sslmode="verify-full")
    assert "nobody whom we trust has issued the certificate" in strangers and "DB_CA_FILE" in strangers
    gone = refused(relay, db_sslmode="verify-full", db_ca_file=Path("/nowhere/ca.pem"))
    assert gone.startswith("DB_CA_FILE: ") and "/nowhere/ca.pem" in gone
    relay.tls = False
    plain = refused(relay, db_sslmode="require")
    assert "offers no TLS" in plain and "DB_SSLMODE=require" in plain


def test_authorities_are_ours_if_there_are_any_and_the_systems_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert options(Configuration(db_sslmode="verify-full"))["sslrootcert"] == "system"
    ours = Configuration(db_sslmode="verify-full", gitgrit_custom_ca_file_path=tmp_path / "ca.pem")
    assert options(ours)["sslrootcert"] == str(tmp_path / "ca.pem")
    assert "sslrootcert" not in options(Configuration(db_sslmode="require"))
    assert options(Configuration())["target_session_attrs"] == "read-write"


def test_a_server_that_only_reads_is_not_taken_for_the_database(relay: Relay) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f'ALTER DATABASE "{connection.settings_dict["NAME"]}" SET default_transaction_read_only = on'
        )
    try:
        said = refused(relay)
        assert said.startswith("waits: ") and "read-only" in said, "a failover is not over yet"
    finally:
        with psycopg.connect(
            host=str(connection.settings_dict["HOST"]), user=str(connection.settings_dict["USER"]), autocommit=True,
            dbname="postgres",
        ) as other:  # fmt: skip
            other.execute(
                f'ALTER DATABASE "{connection.settings_dict["NAME"]}" RESET default_transaction_read_only'  # type: ignore[arg-type]
            )


def test_web_says_that_the_database_is_away_and_goes_on_when_it_is_back(
    relay: Relay, request: pytest.FixtureRequest
) -> None:
    """Connections are lost in whatever they do, and nobody answers for a while. In a campaign with a pool, which waits longer."""
    ours = settings(relay, DB_SSLMODE="verify-full", DB_CA_FILE=str(relay.authorities))
    ours["DB_POOL_SIZE"] = "4" if request.config.getoption("--campaign-seed") else "0"
    token = {"Authorization": "Bearer sea_0000"}
    cookie = {"Cookie": "sessionid=abcdefghabcdefghabcdefghabcdefgh"}
    seen: set[tuple[int, bytes]] = set()
    over = threading.Event()
    with serving(**ours) as port:
        eventually(lambda: ask(port, "GET", "/healthz").status == 200)

        def people() -> None:
            while not over.is_set():
                answer = ask(port, "GET", "/api/v1/projects", **token)
                seen.add((answer.status, answer.text if answer.status not in {401, 503} else b""))

        looking = [threading.Thread(target=people) for _ in range(3)]
        for thread in looking:
            thread.start()
        relay.tls = False  # nobody gets in: the standby is not promoted yet
        relay.cut()
        away = eventually(lambda: (503, b"") in seen and ask(port, "GET", "/", **cookie))
        assert away.status == 503 and b"The database does not answer" in away.text
        relay.tls = True
        eventually(lambda: ask(port, "GET", "/", **cookie).status == 302, what="it is back")
        over.set()
        for thread in looking:
            thread.join(60)
    assert seen == {(401, b""), (503, b"")}, "nothing else, and no traceback"
    assert relay.encrypted > 1


def test_a_transaction_that_a_dying_server_takes_along_is_done_as_a_whole_or_not_at_all() -> None:
    if not can_kill_database():
        pytest.skip("the database is not ours to kill")
    with pytest.raises((OperationalError, InterfaceError)), transaction.atomic():
        factories.workspace("half")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            os.kill(cursor.fetchone()[0], signal.SIGKILL)  # the server ends all connections, and recovers
            cursor.execute("SELECT 1")
    eventually(answers, what="the database is back", not_yet=(OperationalError, InterfaceError))
    assert not Workspace.objects.filter(slug="half").exists()
    factories.workspace("half")
