"""`seatrial exec` and `port-forward`: what they are told, and what they say when they are refused."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from seatrial.cli import main
from seatrial.cli.api import Api
from seatrial.cli.errors import CommandError
from seatrial.cli.executing import parted
from seatrial.cli.forwarding import ports_of
from seatrial.cli.terminal import Passed
from seatrial.wire.tunnels import Kind, TunnelEnd
from tests.cli.conftest import FakeApi, Shown

ROW = {"id": "01E", "name": "pr-7-shop", "urls": {"web": "http://pr-7-shop.test"}}


class Far:
    """A platform's WebSockets: what it was asked, and what it says."""

    def __init__(self) -> None:
        self.wishes: list[dict[str, Any]] = []
        self.says: list[bytes] = [bytes([Kind.OPENED])]
        self.refuses: tuple[int, dict[str, Any]] | None = None

    def answer(self, connection: ServerConnection) -> None:
        self.wishes.append(json.loads(connection.recv()))
        for frame in self.says:
            connection.send(frame)

    def handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        assert request.path == "/api/v1/environments/01E/tunnel"
        assert request.headers["Authorization"] == "Bearer sea_test"
        if self.refuses is None:
            return None
        status, body = self.refuses
        return connection.respond(HTTPStatus(status), json.dumps(body))


@pytest.fixture
def far(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    api.held_to_contract = False
    api.routes["GET /environments"] = lambda _: (200, [ROW])
    far = Far()
    with serve(far.answer, "127.0.0.1", 0, process_request=far.handshake) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/api/v1"
        monkeypatch.setattr(Api, "websocket", (base, {"Authorization": "Bearer sea_test"}))
        yield far
        server.shutdown()


def end(**says: Any) -> bytes:
    return bytes([Kind.END]) + TunnelEnd(**says).model_dump_json().encode()


def test_exec_says_what_it_wants_and_ends_with_the_commands_code(
    far: Far, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    far.says += [
        bytes([Kind.OUTPUT]) + b"\xff\x00",
        bytes([Kind.ERRORS]) + b"oops",
        end(outcome="ended", exit_code=9),
    ]
    monkeypatch.setattr(sys, "argv", ["seatrial", "exec", "pr-7-shop", "--", "pay", "--json", "-t"])
    assert main.main() == 9
    captured = capfdbinary.readouterr()
    assert (captured.out, captured.err) == (b"\xff\x00", b"oops")
    assert far.wishes == [
        {
            "carries": "command", "service": "web", "command": ["pay", "--json", "-t"],
            "terminal": False, "fed": False, "rows": 0, "columns": 0,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (end(outcome="refused", text="There is no service web."), "There is no service web."),
        (end(outcome="idle"), "nothing was carried for 30 minutes"),
        (end(outcome="forbidden"), "you may not do this any more"),
        (end(outcome="lost", text="the other side is silent"), "the other side is silent."),
        (end(outcome="sunk"), "cut off"),
        (b"", "the connection to the platform was lost"),
    ],
)
def test_whatever_ends_it_is_said(cli: Any, far: Far, says: bytes, message: str) -> None:
    far.says = [says] if says else []
    for words in (("exec", "--", "true"), ("port-forward", "80")):
        code, _, err = cli(*words)
        assert code == 2 and message in err


def test_a_refusal_is_the_platforms(cli: Any, far: Far) -> None:
    far.refuses = 403, {"error": {"code": "access_denied", "message": "You may not run commands."}}
    assert cli("exec", "--", "true") == (2, "", "seatrial: You may not run commands.\n")


def test_exec_and_port_forward_are_attacked(shown: Shown, far: Far, attack: str) -> None:
    plain = attack.encode(errors="replace").decode()
    far.says = [end(outcome="refused", text=plain)]
    shown("exec", "--", "true")
    shown("port-forward", "80")


def test_a_terminal_that_is_not_raw_obeys_nothing() -> None:
    class Screen(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    for raw, shown in ((False, "\\x1b[2Jé\n".encode()), (True, "\x1b[2Jé\n".encode())):
        buffer = io.BytesIO()
        passed = Passed(Screen(buffer), raw=raw)
        for piece in (b"\x1b[2J\xc3", b"\xa9\n"):
            passed.write(piece)
        assert buffer.getvalue() == shown


def test_what_is_no_command_and_no_port_is_explained(cli: Any, far: Far) -> None:
    assert parted(["pr-7-shop", "sh", "-c"], ["seatrial", "exec", "pr-7-shop", "--", "sh", "-c"]) == (
        "pr-7-shop",
        ["sh", "-c"],
    )
    assert (ports_of("5432"), ports_of("1:2")) == ((5432, 5432), (1, 2))
    for wrong in ("", "0", "a", "1:2:3", "65536", "65536:1"):
        with pytest.raises(CommandError, match="no port"):
            ports_of(wrong)
    for words in (("exec", "sh"), ("exec", "a", "b", "--", "sh"), ("exec", "--"), ("exec", "-t", "--", "sh")):
        code, _, err = cli(*words)
        assert code == 2 and "defect" not in err, words
    assert far.wishes == []
