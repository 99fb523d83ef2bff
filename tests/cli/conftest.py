"""Fixtures: real git repositories, and a REST interface whose answers the test sets."""

import json
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seatrial.cli import main
from seatrial.embedded import locking
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered, write
from tests import repositories
from tests.cli.answers import strange
from tests.repositories import git

__all__ = ["git"]

Route = Callable[[dict[str, Any]], tuple[int, Any]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`main`, and `feature` checked out, one commit ahead."""
    return repositories.repository(tmp_path / "dinghy", {"sail": "white"})


class FakeApi:
    """The REST interface, as its contract says it answers. `routes` maps `METHOD path` to an answer."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[str] = []
        self.held_to_contract = True
        self.strange: list[str] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                name = f"{self.command} {self.path.split('?')[0].removeprefix('/api/v1')}"
                api.asked.append(name)
                missing: Route = lambda _: (404, {"error": {"code": "not_found", "message": f"no {name}"}})  # noqa: E731
                status, answer = api.routes.get(name, missing)(body)
                if isinstance(answer, bytes):
                    data = answer
                else:
                    api.strange += strange(*name.split(" ", 1), status, answer)
                    data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """A platform that seems to run: its data directory is held, its API answers."""
    data = DataDirectory(tmp_path / "data")
    data.create()
    monkeypatch.setenv("SEATRIAL_DATA_DIR", str(data.root))
    monkeypatch.setenv("NO_COLOR", "1")
    fake = FakeApi()
    port = fake.port
    write(
        data.platform_file,
        Remembered(
            port=port, ingress_port=8080, nats_port=2, traefik_port=3, site_url=f"http://localhost:{port}"
        ),
    )
    data.token.write_text("sea_test\n")
    with locking.only_one(data):
        yield fake
    fake.server.shutdown()
    fake.server.server_close()
    assert not (fake.held_to_contract and fake.strange)


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """`cli("check", "PATH")`: exit code, standard output, standard error of `seatrial check PATH`."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["seatrial", *words])
        code = main.main()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


ATTACKS = [
    "\x1b[2K\x1b[1A\u2713 live",  # clears its line, goes up, writes a verdict
    "x\r\u2713 live",
    "x\n\u2713 live",
    "\x1b]0;title\x07\x1b]8;;http://evil.test\x1b\\here",
    "\x9b2J\x85\x90",
    "\u202elive\u2066\u200b\u2028",
    "[red]live[/] [link=http://evil.test]here[/link] :rocket:",
    "\x1bc\x00\x08\x7f",
    "caf\udce9",
]
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def obeyed(output: str) -> list[str]:
    """What a terminal would do, but for our line ends."""
    return [hex(ord(one)) for one in output.replace("\n", "") if unicodedata.category(one) in OBEYED]


@pytest.fixture
def attack() -> str:
    return " ".join(ATTACKS)


Shown = Callable[..., str]


@pytest.fixture
def shown(cli: Any, attack: str) -> Shown:
    """`shown("status")`: what the command printed, when it is sure that nobody obeys it."""

    def run(*words: str, said: bool = True) -> str:
        _, out, err = cli(*words)
        output = str(out + err)
        assert obeyed(output) == []
        assert "a defect in seatrial" not in output
        forged = [line for line in output.splitlines() if line.startswith("\u2713 live")]
        assert forged == []
        assert "[red]live[/] [link=http://evil.test]here[/link] :rocket:" in output or said is False
        return output

    return run
