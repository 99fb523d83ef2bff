"""A client leaves no socket open if the bus refuses it or if it is cancelled while it connects."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats.errors
import psutil
import pytest

from seatrial.agent.bus.connection import Bus as AgentBus
from seatrial.control import bus as control
from seatrial.control.configuration import Configuration
from tests.bus.servers import NatsServer
from tests.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.nats

Connect = Callable[[str, Path], Awaitable[object]]


def sockets_to(port: int) -> list[object]:
    connections = psutil.Process().net_connections("tcp")
    return [one for one in connections if one.raddr and one.raddr.port == port]


def settings(url: str, credentials: Path) -> Configuration:
    return Configuration(galley_nats_url=url, galley_nats_credentials=credentials)


async def test_a_revocation_with_wrong_credentials_leaves_no_socket(
    configuration: Configuration, nats_server: NatsServer
) -> None:
    stranger = NatsServer(nats_server.program, nats_server.directory / "another")
    with pytest.raises(nats.errors.Error):
        await control.revoke(configuration, str(stranger.identity.system_credentials), "token")
    assert sockets_to(nats_server.port) == []


@pytest.mark.parametrize(
    "connect",
    [
        lambda url, credentials: control.Bus.connect(settings(url, credentials), name="a test"),
        lambda url, credentials: AgentBus(url, credentials, "AGENTA").run(),
    ],
    ids=["control plane", "agent"],
)
async def test_a_client_that_is_cancelled_while_it_connects_leaves_no_socket(
    connect: Connect, nats_server: NatsServer
) -> None:
    waits = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id": "x", "version": "2.10.0", "proto": 1, "nonce": "n"}\r\n')
        await reader.readline()
        waits.set()  # the client has introduced itself, and waits for an answer
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = nats_server.identity.control_credentials
    connecting = asyncio.ensure_future(connect(f"nats://127.0.0.1:{port}", credentials))
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await waits.wait()
        assert len(sockets_to(port)) == 1
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert sockets_to(port) == []
    finally:
        connecting.cancel()
        server.close()
