"""A page loads to its end while the machine's networks come and go."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.dashboard.chromium import browsing
from tests.engines import missing, require

pytestmark = pytest.mark.chromium

SCRIPTS = 30  # more than the connections that a browser opens to one host, so that requests wait for one
NETWORK = "steady0"


class Slow(BaseHTTPRequestHandler):
    """A page that asks for scripts, none of which is there at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.02)
        page = "".join(f"<script src=/{number}.js></script>" for number in range(SCRIPTS))
        body = (page if self.path == "/" else ";").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """What is asked is no news."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def restless() -> Iterator[None]:
    """A network of the machine that comes and goes."""
    if os.geteuid():
        missing("only root can make a network")
    over = threading.Event()
    thread = threading.Thread(target=_come_and_go, args=(require("ip"), over))
    thread.start()
    yield
    over.set()
    thread.join()


def _come_and_go(ip: str, over: threading.Event) -> None:
    while not over.wait(0.02):
        subprocess.run([ip, "link", "add", NETWORK, "type", "bridge"], check=True)
        subprocess.run([ip, "address", "add", "198.51.100.1/24", "dev", NETWORK], check=True)
        subprocess.run([ip, "link", "delete", NETWORK], check=True)


def test_nothing_is_given_up(site: str, restless: None) -> None:
    with browsing() as browser:
        page = browser.new_page()
        failed: list[str | None] = []
        loaded: list[int] = []
        page.on("requestfailed", lambda request: failed.append(request.failure))
        page.on("response", lambda response: loaded.append(response.status))
        for _ in range(3):
            page.goto(site)
    assert failed == [] and loaded.count(200) >= 3 * SCRIPTS
