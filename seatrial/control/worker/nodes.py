"""Looks at the nodes of the bus again and again, so that pages and commands can say which is gone."""

import asyncio

import structlog

from seatrial.control import nodes
from seatrial.control.bus import Bus
from seatrial.control.nodes import Nodes
from seatrial.control.worker.database import Database

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 10.0


class NodeWatch:
    """One line in the log whenever something changed."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._last = Nodes()

    async def run(self) -> None:
        """Runs for ever. Raises when the bus or the database is away; then start it again."""
        while True:
            found = await nodes.look(self._bus)
            await self._database.run(nodes.note, found)
            if (found.gone, found.halted) != (self._last.gone, self._last.halted):
                log.warning("the nodes of the bus changed", gone=found.gone, without_quorum=found.halted)
            self._last = found
            if found.short and not found.halted:
                await nodes.settle(self._bus)
            await asyncio.sleep(INTERVAL_SECONDS)
