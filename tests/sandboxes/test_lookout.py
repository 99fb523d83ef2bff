"""What the program in a lookout finds."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.sandbox import lookout
from seatrial.wire.hosts import AskHost
from tests.waiting import LIMIT_SECONDS

NAME = "gitlab.acme.test"


def answer(question: bytes, *records: tuple[int, bytes], code: int = 0) -> bytes:
    """A resolver's answer with these records, their name as a pointer."""
    number = question[:2]
    head = number + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
    found = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for kind, data in records
    )
    return head + question[12:] + found


class Resolver:
    """Answers questions by UDP at an address of the loopback."""

    def __init__(self, reply: Callable[[bytes], bytes | None]) -> None:
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.port = self.line.getsockname()[1]
        self._reply = reply
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while (got := self.line.recvfrom(4096))[0]:
            reply = self._reply(got[0])
            if reply is not None:
                self.line.sendto(reply, got[1])

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(LIMIT_SECONDS)
        self.line.close()


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[bytes], bytes | None]], str]]:
    """Start a resolver that replies so; its address."""
    started: list[Resolver] = []

    def start(reply: Callable[[bytes], bytes | None]) -> str:
        started.append(Resolver(reply))
        monkeypatch.setattr(lookout, "DNS_PORT", started[-1].port)
        return "127.0.0.1"

    yield start
    for resolver in started:
        resolver.close()


def kind_of(question: bytes) -> int:
    return int(struct.unpack(">H", question[-4:-2])[0])


A, AAAA, CNAME = 1, 28, 5
SIX = socket.inet_pton(socket.AF_INET6, "fd00::9")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (lambda q: answer(q, (CNAME, b"\x01g\xc0\x0c"), (A, b"\x0a\x00\x00\x09")), {"addresses": ["10.0.0.9"]}),
        (lambda q: answer(q, *([(AAAA, SIX)] if kind_of(q) == AAAA else [])), {"addresses": ["fd00::9"]}),
        (answer, {"problem": "has no address for it"}),
        (lambda q: answer(q, code=3), {"problem": "knows no such name"}),
        (lambda q: answer(q, code=5), {"problem": "refuses"}),
        (lambda q: answer(q, code=9), {"problem": "answers with error 9"}),
        (lambda q: bytes([q[0] ^ 1]) + answer(q)[1:], {"problem": "sent something that is no answer"}),
        (lambda q: answer(q, (A, b"\x0a\x00")), {"problem": "sent an answer that cannot be read"}),
        (lambda q: b"\xff", {"problem": "sent an answer that cannot be read"}),
        (lambda q: None, {"problem": "timed out"}),
    ],
)  # fmt: skip
def test_a_resolver_is_asked_itself(
    resolving: Any, reply: Callable[[bytes], bytes | None], found: dict[str, Any]
) -> None:
    server = resolving(reply)
    seen = lookout.look([NAME], [server], [], 2.0 if found != {"problem": "timed out"} else 1.0)
    assert seen["servers"] == {f"{NAME} {server}": found} and seen["names"] == {}


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_no_answer_is_a_traceback(data: bytes) -> None:
    try:
        assert isinstance(lookout.addresses(data, 7, A, socket.AF_INET), list)
    except lookout.NoAnswer as error:
        assert str(error)


@given(st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,80}[A-Za-z0-9_])?\.?", fullmatch=True))
def test_any_name_that_may_be_asked_for_is_a_question_or_refused(name: str) -> None:
    AskHost(names=[name])
    try:
        assert len(lookout.question(name, A, 7)) == 12 + len(name.rstrip(".")) + 6
    except lookout.NoAnswer as error:
        assert "is no name" in str(error)


def test_without_resolvers_the_containers_own_is_asked_and_connections_are_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = lookout.look(["localhost"], [], [("127.0.0.1", port), ("127.0.0.1", 1)], 10.0)
    assert "127.0.0.1" in seen["names"]["localhost"]["addresses"]  # type: ignore[index]
    assert seen["outside"] == {
        f"127.0.0.1 {port}": {"addresses": ["127.0.0.1"]},
        "127.0.0.1 1": {"problem": "[Errno 111] Connection refused"},
    }


def test_what_has_no_answer_in_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(lookout, "looked_up", lambda _: ended.wait(LIMIT_SECONDS))
    try:
        assert lookout.look([NAME], [], [], 0.05)["names"] == {NAME: {"problem": "no answer in time"}}
    finally:
        ended.set()


def test_the_loopback_alone_is_no_network() -> None:
    assert not lookout.networked(lambda: [(1, "lo")])
    assert lookout.networked(lambda: [(1, "lo"), (2, "eth0")])
