"""The real web process serves, or says in one line why it does not."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from django.db import connection

from seatrial.control.vault.services import verify_master_key
from tests import factories
from tests.bus.servers import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

LIMIT = 25 * 1024 * 1024


def web(port: int, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seatrial.control.web", "--port", str(port)]
    return subprocess.Popen(
        command,
        env={**os.environ, "DB_NAME": connection.settings_dict["NAME"], "DB_POOL_SIZE": "4", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def serving(**environment: str) -> Iterator[int]:
    port = free_port()
    process = web(port, **environment)
    try:
        for _ in range(600):
            with closing(socket.socket()) as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


class Answer(NamedTuple):
    status: int
    text: bytes


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        answer = client.getresponse()
        return Answer(answer.status, answer.read())


def test_it_answers_limits_bodies_and_knows_its_names() -> None:
    with serving(SITE_URL="http://seatrial.example.test") as port:
        assert ask(port, "GET", "/healthz").text == b'{"status": "ok"}'
        for host, status in {
            "seatrial.example.test": 200,
            "localhost": 200,
            "pr-1-shop.preview.localhost:8080": 404,
            "evil.example": 400,
        }.items():
            assert ask(port, "GET", "/healthz", Host=host).status == status, host
        # An announced length is refused without reading; a chunked body is cut off while it comes.
        webhook = f"/api/v1/webhooks/local/{factories.connection(factories.workspace()).pk}"
        assert ask(port, "POST", webhook, **{"Content-Length": str(LIMIT + 1)}).status == 413
        chunks = (b"x" * 1_000_000 for _ in range(27))
        answer = ask(port, "POST", webhook, chunks, **{"Transfer-Encoding": "chunked"})
        assert (answer.status, b"too_large" in answer.text) == (413, True)
        # A body that never comes is not waited for where there is nobody to get it.
        nobody, announced = "/api/v1/webhooks/local/01ABC", {"Content-Length": "9000000"}
        assert b"unknown_connection" in ask(port, "POST", nobody, **announced).text
        assert ask(port, "POST", nobody, Host="pr-1-shop.preview.localhost", **announced).status == 413
        assert ask(port, "POST", "/api/v1/agents/register", **announced).status == 413
        refused = ask(port, "POST", "/mcp", **{"Content-Length": "1000001"})
        assert refused.status == 413 and b"larger than 1,000,000 bytes" in refused.text
        assert ask(port, "GET", "/healthz").status == 200


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Make one with `openssl rand -hex 32`"),
        ({"GALLEY_MASTER_KEY": "22" * 32}, "is not the key this database was sealed with"),
    ],
)
def test_it_refuses_to_start_in_one_line(environment: dict[str, str], message: str) -> None:
    verify_master_key()  # the database is sealed with this process's key
    process = web(free_port(), **environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert message in output and "Traceback" not in output
    assert "22" * 16 not in output, "the key itself is never printed"


def test_the_worker_refuses_too() -> None:
    verify_master_key()
    done = subprocess.run(
        [sys.executable, "-m", "seatrial.control.worker"],
        env={**os.environ, "DB_NAME": connection.settings_dict["NAME"], "GALLEY_MASTER_KEY": "22" * 32},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "is not the key this database was sealed with" in done.stderr


def test_it_starts_while_the_database_is_away_and_says_so() -> None:
    token = {"Authorization": "Bearer sea_0000"}
    cookie = {"Cookie": "sessionid=abcdefghabcdefghabcdefghabcdefgh"}
    with serving(DB_HOST="/nonexistent", DB_POOL_SIZE="0") as port:
        for method, path, headers, said in (
            ("GET", "/healthz", {}, b"database"),
            ("GET", "/api/v1/projects", token, b'"unavailable"'),
            ("GET", "/api/v1/projects", cookie, b'"unavailable"'),
            ("POST", "/api/v1/webhooks/local/01ABC", {}, b'"unavailable"'),  # so that the forge repeats it
            ("GET", "/", cookie, b"The database does not answer"),
            ("GET", "/agents/stream", cookie, b"The database does not answer"),
        ):
            status, text = ask(port, method, path, **headers)
            assert (status, said in text, b"Traceback" in text) == (503, True, False), (path, text)


@pytest.fixture
def bootstrap(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    password = tmp_path / "admin-password"
    password.write_text("correct horse battery\n")

    def run(password_file: Path = password, **environment: str) -> subprocess.CompletedProcess[str]:
        files = ["--password-file", str(password_file), "--token-file", str(tmp_path / "token")]
        return subprocess.run(
            [sys.executable, "-m", "seatrial.control.manage", "bootstrap", "--username", "admin", *files],
            env={**os.environ, "DB_NAME": connection.settings_dict["NAME"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_bootstrap_twice_is_bootstrap_once(bootstrap, tmp_path: Path, client) -> None:
    assert bootstrap().returncode == 0
    token = (tmp_path / "token").read_text()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert bootstrap().returncode == 0
    assert (tmp_path / "token").read_text() == token
    headers = {"Authorization": f"Bearer {token.strip()}"}
    assert client.get("/api/v1/projects", headers=headers).status_code == 200
    assert client.login(username="admin", password="correct horse battery")
    (tmp_path / "token").write_text("lost")
    assert bootstrap().returncode == 0
    assert (tmp_path / "token").read_text() not in {token, "lost"}
    assert client.__class__().get("/api/v1/projects", headers=headers).status_code == 401, (
        "the lost one is revoked"
    )


def test_bootstrap_says_what_is_missing(bootstrap, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for arguments, message in (
        ({"password_file": tmp_path / "nowhere"}, "No such file"),
        ({"password_file": empty}, "is empty"),
        ({"GALLEY_MASTER_KEY": "12"}, "too short"),
    ):
        done = bootstrap(**arguments)
        assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
