"""Volumes of the engine."""

from collections.abc import Mapping

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.shapes import label_filter
from seatrial.agent.vocabulary.errors import EngineRefused


class Volumes:
    """See the room's contract."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the volume unless it exists."""
        with self._connection.calls():
            body = {"Name": name, "Labels": dict(labels)}
            await self._connection.api.volumes.create(body)  # type: ignore[no-untyped-call]

    async def list(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{name: labels} of all volumes that carry every one of `labels`."""
        with self._connection.calls():
            volumes = self._connection.api.volumes
            listing = await volumes.list(filters=label_filter(labels))  # type: ignore[no-untyped-call]
        return {volume["Name"]: volume["Labels"] or {} for volume in listing["Volumes"] or []}

    async def remove(self, name: str) -> None:
        """Remove the volume and its data."""
        try:
            with self._connection.calls():
                volume = await self._connection.api.volumes.get(name)  # type: ignore[no-untyped-call]
                await volume.delete()
        except EngineRefused as error:
            if not error.absent:
                raise
