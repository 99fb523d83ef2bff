"""Desired state: the agent's KV bucket, replayed in full on every connection and watched from there on."""

import asyncio
import contextlib
from typing import Protocol

import structlog
from nats.js.kv import KeyValue

from seatrial.agent.bus.connection import Bus
from seatrial.replay import entries
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.ending import ended
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.snapshots import DesiredSnapshot

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0  # until a watch that lost its cancellation is cancelled again
_MARKERS = {"DEL", "PURGE"}


class DesiredListener(Protocol):
    """The part that acts on desired state. It is called once at a time, and every call must return soon."""

    def wanted(self, desired: DesiredEnvironment) -> None:
        """Take `desired` as the desired state of its environment. May be called repeatedly, even with an older revision."""

    def kept(self, snapshot: str) -> None:
        """Take the snapshot as one that must stay, until `unwanted` names it."""

    def unwanted(self, environment: str) -> None:
        """Note that the environment was deleted: nothing of it may remain."""

    def replayed(self, environments: set[str]) -> None:
        """Note that the replay is complete: only `environments` are desired."""


class DesiredStates:
    """Follows the bucket for ever. An older connection's watch may receive nothing, so each connection gets a new watch."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def run(self, listener: DesiredListener) -> None:
        """Pass the replay of every connection, then every change, to `listener`."""
        while True:
            await self._bus.client()
            session = self._bus.session
            watching = asyncio.create_task(self._watch(listener))
            renewed = asyncio.create_task(self._bus.next_session(session))
            try:
                await asyncio.wait({watching, renewed}, return_when=asyncio.FIRST_COMPLETED)
                if watching.done() and (error := watching.exception()) is not None:
                    log.warning("desired state cannot be read; trying again", problem=repr(error))
                    await asyncio.sleep(1)
            finally:
                await ended(watching, renewed, again_seconds=AGAIN_SECONDS)

    async def _watch(self, listener: DesiredListener) -> None:
        present: set[str] = set()
        async with contextlib.aclosing(entries(await self._bus.jetstream(), self._bus.agent)) as watched:
            async for entry in watched:
                if entry is None:
                    listener.replayed(present)
                    continue
                self._tell(listener, entry)
                (present.discard if entry.operation in _MARKERS else present.add)(entry.key)

    def _tell(self, listener: DesiredListener, entry: KeyValue.Entry) -> None:
        if entry.operation in _MARKERS:
            listener.unwanted(entry.key)
            return
        try:
            message = Envelope.decode(entry.value or b"").open()
        except WireError as error:
            # Never treat this as a deletion: whatever runs stays as it is until a release that understands the message.
            log.error(
                "desired state not understood; left as it is", environment=entry.key, problem=str(error)
            )
            return
        if isinstance(message, DesiredEnvironment):
            listener.wanted(message)
        elif isinstance(message, DesiredSnapshot):
            listener.kept(entry.key)
        else:
            log.error("desired state of another kind", environment=entry.key, kind=message.kind)
