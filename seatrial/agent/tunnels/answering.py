"""Opens the tunnels that the control plane asks for."""

import asyncio

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.listening import listen
from seatrial.agent.tunnels.carrying import carry
from seatrial.agent.tunnels.far import Far
from seatrial.agent.tunnels.opening import CannotOpen, Opening
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.wire import subjects
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.tunnels import OpenTunnel, Way

log = structlog.get_logger(__name__)

MOST_TUNNELS = 64


class Tunnels:
    """All tunnels of one agent. When it ends, each of them does, and nothing that was started for one runs any more."""

    def __init__(self, bus: Bus, opening: Opening) -> None:
        self._bus = bus
        self._opening = opening
        self._open = 0

    async def run(self) -> None:
        """Runs for ever. First it ends what an earlier process left."""
        try:
            await self._opening.end_leftovers()
        except RuntimeUnavailable as error:
            log.warning("what earlier commands left running is not looked for", reason=str(error))
        await listen(self._bus, subjects.open_tunnels(self._bus.agent), self._heard)

    def _heard(self, group: asyncio.TaskGroup, client: Client, message: Msg) -> None:
        group.create_task(self._one(client, message))

    async def _one(self, client: Client, message: Msg) -> None:
        self._open += 1
        try:
            await self._carry(client, _read(message))
        except (nats.errors.Error, OSError, WireError) as error:
            log.warning("tunnel not opened, or cut off", problem=str(error) or type(error).__name__)
        except Exception:  # one tunnel ends no other
            log.exception("tunnel cut off")
        finally:
            self._open -= 1

    async def _carry(self, client: Client, asked: OpenTunnel) -> None:
        out = subjects.out_of_tunnel(self._bus.agent, asked.tunnel)

        async def publish(frame: bytes) -> None:
            with heeded():
                await client.publish(out, frame)

        way = Way(publish)

        async def receive(message: Msg) -> None:
            way.received(message.data)

        with heeded():
            coming = await client.subscribe(subjects.into_tunnel(self._bus.agent, asked.tunnel), cb=receive)
        try:
            end = await carry(way, lambda: self._begin(asked))
            log.info("tunnel ended", tunnel=asked.tunnel, outcome=end.outcome, exit_code=end.exit_code)
        finally:
            if client.is_connected:
                await coming.unsubscribe()

    async def _begin(self, asked: OpenTunnel) -> Far:
        if self._open > MOST_TUNNELS:
            raise CannotOpen(
                f"{MOST_TUNNELS} tunnels are open on the preview's host, which is the most. Close some."
            )
        return await self._opening.open(asked)


def _read(message: Msg) -> OpenTunnel:
    asked = Envelope.decode(message.data).open()
    if not isinstance(asked, OpenTunnel):
        raise WireError(f"it is a {asked.kind}")
    return asked
