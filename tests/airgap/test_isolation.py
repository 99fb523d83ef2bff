"""--check-isolation: a way out is found by TCP, whatever names resolve to, and nobody else tries."""

import ast
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import seatrial.control
from seatrial import outside
from seatrial.control.airgap import isolation
from tests.sources import nodes

SOURCES = Path(seatrial.control.__file__).parent
UNUSED = "127.0.0.1", 1


@pytest.fixture
def reachable() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1", server.getsockname()[1]


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What counts as outside here."""

    def change(*addresses: tuple[str, int]) -> None:
        for module in (outside, isolation):
            monkeypatch.setattr(module, "OUTSIDE", addresses)
        monkeypatch.setattr(isolation, "FIRST", addresses[0][0])
        monkeypatch.setattr(isolation, "TARGET", outside.address(*addresses[0]))

    with ExitStack():
        yield change


def lines(proxies: dict[str, str] | None = None) -> list[str]:
    said, *found = [finding.line for finding in isolation.checked(proxies or {})]
    assert said.startswith(
        "OK    trying to reach the public internet, which nothing else does where AIRGAPPED is True"
    )
    return found


def test_nothing_answers(targets: Any, unresolved: None) -> None:
    targets(("www.google.com", 443), UNUSED)
    assert lines() == [
        "OK    public internet appears blocked (www.google.com:443 is unreachable)",
        "OK    so are 127.0.0.1:1",
    ]


def test_the_known_name_answers(targets: Any, reachable: tuple[str, int]) -> None:
    targets(reachable, UNUSED)
    assert lines() == [
        f"FAIL  public internet is reachable: TCP 127.0.0.1:{reachable[1]} accepted a connection. This is NOT an air-gapped install."
    ]


def test_a_name_that_does_not_resolve_proves_nothing(
    targets: Any, reachable: tuple[str, int], unresolved: None
) -> None:
    targets(("www.google.com", 443), reachable)
    [found] = lines()
    assert found.startswith(f"FAIL  public internet is reachable: TCP 127.0.0.1:{reachable[1]} accepted")


def test_a_name_that_resolves_is_a_leak_where_nothing_is_reached(targets: Any) -> None:
    targets(("localhost", 1), UNUSED)
    assert lines()[-1].startswith("WARN  localhost resolves here")


def test_a_proxy_is_pointed_out_without_its_password(targets: Any, unresolved: None) -> None:
    targets(("www.google.com", 443), UNUSED)
    found = lines({"https": "http://me:hunter2@proxy.acme.test:3128", "no": "*"})
    assert found[-1].startswith(
        "WARN  HTTPS_PROXY is set (host proxy.acme.test): what it lets out cannot be seen from here"
    )
    assert "hunter2" not in "".join(found)


def test_nobody_else_in_the_control_plane_goes_there() -> None:
    importing = re.compile(
        r"^(?:from seatrial import .*\boutside\b|import seatrial\.outside|from seatrial\.outside)",
        re.MULTILINE,
    )
    found = [
        str(file.relative_to(SOURCES)) for file in SOURCES.rglob("*.py") if importing.search(file.read_text())
    ]
    assert found == ["airgap/isolation.py"]


def test_nor_opens_connections_of_its_own() -> None:
    """But to the ingress of the settings, whose certificate is only seen by a handshake."""
    opening = {"create_connection", "open_connection", "connect_ex", "open_unix_connection"}
    found = {
        str(file.relative_to(SOURCES))
        for file in SOURCES.rglob("*.py")
        if any(name in file.read_text() for name in opening)  # reading all as code takes seconds
        for node in nodes(file)
        if isinstance(node, ast.Attribute) and node.attr in opening
    }
    assert found == {"certificates/handshake.py"}
