"""A preview whose program restarts misses no request that had not reached it; the real Traefik, and no container."""

import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.route_document import Document
from seatrial.control.projects.models import Project
from tests.bus.servers import free_port
from tests.waiting import LIMIT_SECONDS
from tests.worker.stack import DOMAIN, PLAIN, Traefik, eventually

pytestmark = pytest.mark.traefik


PROGRAM = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

heard, deaths = Path(sys.argv[2]), int(sys.argv[3])

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with heard.open("a") as file:
            print(self.command, len(body), file=file)
        if len(heard.read_text().splitlines()) <= deaths:
            os._exit(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_PUT = answer

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Program:
    """What a preview runs: answers with what it was sent; the first `deaths` requests end it. It is started again."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._heard = directory / "heard"
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    @property
    def heard(self) -> list[str]:
        return self._heard.read_text().splitlines()

    def start(self, deaths: int = 0) -> None:
        self._keeper = threading.Thread(target=self._keep, args=(deaths,))
        self._keeper.start()

    def _keep(self, deaths: int) -> None:
        command = [sys.executable, "-c", PROGRAM, str(self.port), str(self._heard), str(deaths)]
        while not self._over.is_set():
            self._process = subprocess.Popen(command)
            self._process.wait()

    def stop(self) -> None:
        self._over.set()
        while self._keeper is not None and self._keeper.is_alive():
            if self._process is not None:
                self._process.kill()
            self._keeper.join(0.1)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.stop()


@pytest.fixture
def traefik(tmp_path: Path, program: Program) -> Iterator[Traefik]:
    """It routes to the program, which does not run yet."""
    traefik = Traefik(tmp_path)
    service = {"name": "web", "kind": "web", "endpoint": f"http://127.0.0.1:{program.port}"}
    environment = Environment(
        id="E", name="pr-1-shop", state="running", project=Project(), services=[service]
    )
    environment.live = Deployment(id="D", services=[service])
    document = Document()
    document.take(environment)
    traefik.routes.write_text(document.text())
    traefik.start()
    try:
        shown = f"http://127.0.0.1:{traefik.api}/api/http/routers/pr-1-shop@file"
        eventually(lambda: httpx.get(shown, **PLAIN).status_code == 200, not_yet=(httpx.TransportError,))
        yield traefik
    finally:
        traefik.kill()


@pytest.fixture
def visitors() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as visitors:
        yield visitors


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(traefik: Traefik, method: str, body: str = "") -> httpx.Response:
    url = f"http://127.0.0.1:{traefik.web}/"
    headers = {"Host": f"pr-1-shop.{DOMAIN}"}
    return httpx.request(method, url, headers=headers, content=body, timeout=LIMIT_SECONDS, **PLAIN)


def test_requests_wait_until_the_program_is_back_and_reach_it_once(
    traefik: Traefik, program: Program, visitors: ThreadPoolExecutor
) -> None:
    letters = [("GET", ""), ("POST", "an order"), ("POST", "x" * 900_000)]
    waiting: list[Future[httpx.Response]] = [visitors.submit(ask, traefik, *one) for one in letters]
    time.sleep(1)
    assert not any(one.done() for one in waiting), "nobody is answered yet"
    program.start()
    problems = [problem for one in waiting if (problem := one.exception()) is not None]
    assert not problems, f"{problems}, heard: {program.heard}"
    answers = [one.result() for one in waiting]
    assert [(one.status_code, one.text) for one in answers] == [(200, body) for _, body in letters]
    assert sorted(program.heard) == sorted(f"{method} {len(body)}" for method, body in letters)


@pytest.mark.parametrize(
    ("method", "body", "deaths", "status", "heard"),
    [
        ("GET", "", 1, 200, 2),  # under way when it died
        ("GET", "", 9, 502, 2),  # it dies of it
        ("POST", "an order", 9, 502, 1),
        ("PUT", "an order", 9, 502, 1),
        ("POST", "", 9, 502, 1),
    ],
)
def test_what_the_program_took_and_did_not_answer_is_repeated_once_where_that_is_harmless(
    traefik: Traefik, program: Program, method: str, body: str, deaths: int, status: int, heard: int
) -> None:
    program.start(deaths)
    eventually(lambda: listens(program.port), what="it listens")
    assert ask(traefik, method, body).status_code == status
    assert program.heard == [f"{method} {len(body)}"] * heard


def test_a_body_of_usual_size_is_passed_on_when_all_of_it_is_there_and_others_as_they_come(
    traefik: Traefik,
) -> None:
    """Else an answer that begins at its last byte is cut off once in a hundred times."""
    with socket.create_server(("127.0.0.1", port_of(traefik))) as service:
        service.settimeout(60)
        for length, at_once in (("999999", False), ("1000000", True), ("", True), ("999", True)):
            visitor = begun(traefik, length)
            if not at_once:
                readable, _, _ = select.select([service], [], [], 1)
                assert not readable, "the service is asked before its visitor has said all"
                visitor.sendall(b"x" * (int(length) - 1))
            passed_on, _ = service.accept()
            with visitor, passed_on, passed_on.makefile("rb") as heard:
                assert heard.readline() == b"POST / HTTP/1.1\r\n"


def port_of(traefik: Traefik) -> int:
    """Where it looks for the program."""
    return int(re.findall(r"http://127\.0\.0\.1:(\d+)", traefik.routes.read_text())[-1])


def begun(traefik: Traefik, length: str) -> socket.socket:
    """A visitor who has sent the first byte of a body."""
    visitor = socket.create_connection(("127.0.0.1", traefik.web))
    head = f"Content-Length: {length}\r\n\r\nx" if length else "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    visitor.sendall(f"POST / HTTP/1.1\r\nHost: pr-1-shop.{DOMAIN}\r\n{head}".encode())
    return visitor


@pytest.mark.slow
def test_a_program_that_does_not_come_back_is_not_waited_for_for_ever(traefik: Traefik) -> None:
    assert ask(traefik, "GET").status_code in {502, 503, 504}
