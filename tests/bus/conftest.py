from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from tests.bus.servers import NatsServer
from tests.engines import require


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(require("nats-server"), tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def configuration(nats_server: NatsServer) -> Configuration:
    return Configuration(
        galley_nats_url=nats_server.url,
        galley_nats_credentials=nats_server.identity.control_credentials,
        galley_nats_signing_seed=nats_server.identity.signing_seed,
    )


@pytest.fixture
async def bus(configuration: Configuration) -> AsyncIterator[Bus]:
    bus = await Bus.connect(configuration, name="test control")
    await bus.ensure_streams()
    yield bus
    await bus.close()
