"""Connections that last are counted in the kernel's own table."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from seatrial.agent.environments import streams
from seatrial.agent.environments.streams import APART_SECONDS, Streams, hexadecimal


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streams, "time", clock)
    return clock


@pytest.fixture
def service() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening


def endpoint(service: socket.socket) -> str:
    return f"http://127.0.0.1:{service.getsockname()[1]}"


def test_what_is_there_at_two_looks_is_used(service: socket.socket, clock: Clock) -> None:
    seen, ours = Streams(), [endpoint(service)]
    with socket.create_connection(service.getsockname()):
        assert seen.count(ours) == 0, "it may be a request that is over in a moment"
        clock.now += APART_SECONDS - 1
        assert seen.count(ours) == 0
        clock.now += 1
        assert seen.count(ours) == 1
        assert Streams().count(ours) == 0, "who begins to look knows nothing yet"
    clock.now += APART_SECONDS
    assert seen.count(ours) == 0


def test_a_new_connection_in_the_place_of_the_old_is_another(service: socket.socket, clock: Clock) -> None:
    seen, ours = Streams(), [endpoint(service)]
    socket.create_connection(service.getsockname()).close()
    with socket.create_connection(service.getsockname()):
        seen.count(ours)
    clock.now += APART_SECONDS
    with socket.create_connection(service.getsockname()):
        assert seen.count(ours) == 0


def test_programs_that_speak_ipv6_are_counted_too(service: socket.socket, clock: Clock) -> None:
    seen, port = Streams(), service.getsockname()[1]
    with closing(socket.socket(socket.AF_INET6)) as both:
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.connect(("::ffff:127.0.0.1", port))
        seen.count([endpoint(service)])
        clock.now += APART_SECONDS
        assert seen.count([endpoint(service)]) == 1


def test_other_endpoints_are_not(service: socket.socket, clock: Clock) -> None:
    seen = Streams()
    others = ["http://127.0.0.2:80", "http://[::1]:80", "http://web:80"]
    with socket.create_connection(service.getsockname()):
        seen.count(others)
        clock.now += APART_SECONDS
        assert seen.count(others) == 0
    assert hexadecimal("http://172.18.0.2:80/") == "020012AC:0050"
