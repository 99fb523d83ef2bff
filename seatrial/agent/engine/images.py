"""Images: inspected, listed, removed, imported, exported and built. The engine pulls nothing."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.refusals import refused
from seatrial.agent.engine.shapes import check_from, label_filter
from seatrial.agent.vocabulary.containers import HealthCheck
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal

MACHINE = ("Architecture", "Variant", "Os", "Created")
TAR = {"Content-Type": "application/x-tar"}


@dataclass(frozen=True)
class Image:
    """An image on the engine. `config` is its configuration, as in the image's own document; `bytes` all its layers, unpacked."""

    id: str
    layers: tuple[str, ...]
    config: Mapping[str, Any]
    bytes: int | None = None
    made_for: Mapping[str, str] = field(default_factory=dict)  # the kind of machine, and when, likewise

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.config.get("Labels") or {}

    @property
    def ports(self) -> list[int]:
        """TCP ports that it EXPOSEs, ascending."""
        return tcp_ports(self.config.get("ExposedPorts") or {})

    @property
    def volumes(self) -> list[str]:
        """Paths that it declares a VOLUME, sorted."""
        return sorted(self.config.get("Volumes") or {})

    @property
    def check(self) -> HealthCheck | None:
        """Its HEALTHCHECK."""
        return check_from(self.config.get("Healthcheck") or {})


@dataclass(frozen=True)
class Listed:
    """An image in a list."""

    id: str
    tags: Sequence[str]
    labels: Mapping[str, str]

    @property
    def references(self) -> Sequence[str]:
        """Its tags, or its id when it has none."""
        return self.tags or [self.id]


class Images:
    """See the room's contract."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, reference: str) -> Image | None:
        """The image of this name or id; None when it is not here, also because no image can have that name."""
        try:
            with self._connection.calls():
                shown = await self._connection.api.images.inspect(reference)
        except EngineRefused as error:
            if error.absent or error.status == HTTPStatus.BAD_REQUEST:
                return None
            raise
        layers = (shown.get("RootFS") or {}).get("Layers") or []
        machine = {name.lower(): str(shown[name]) for name in MACHINE if shown.get(name)}
        return Image(str(shown["Id"]), tuple(layers), shown.get("Config") or {}, shown.get("Size"), machine)

    async def list(self, labels: Mapping[str, str]) -> list[Listed]:
        """All images that carry every one of `labels`, the newest first."""
        with self._connection.calls():
            images = await self._connection.api.images.list(filters=label_filter(labels))
        newest = sorted(images, key=lambda image: int(image["Created"]), reverse=True)
        return [Listed(str(image["Id"]), _tags(image), image["Labels"] or {}) for image in newest]

    async def remove(self, reference: str) -> None:
        """Remove this tag, and the image when it was the last; a no-op while something uses it."""
        try:
            with self._connection.calls():
                await self._connection.api.images.delete(reference, force=False)
        except EngineRefused as error:
            in_use = error.status == 409
            if not in_use and not error.absent and error.refusal is not Refusal.BEING_REMOVED:
                raise

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        """Load a `docker load` archive, which may leave out layers that the engine has."""
        with self._connection.calls():
            await self._connection.streams.images.import_image(archive)

    async def save(self, reference: str, target: Path) -> None:
        """Write `docker save IMAGE` to `target`."""
        with self._connection.calls():
            async with self._connection.streams.images.export_image(reference) as content:
                with target.open("wb") as file:
                    async for chunk in content.iter_chunked(1 << 20):
                        await asyncio.to_thread(file.write, chunk)

    async def take_in(self, tree: AsyncIterator[bytes], tag: str, changes: Sequence[str]) -> None:
        """Make an image from a tar archive of its file system. `changes` are lines of a Dockerfile."""
        repository, _, version = tag.rpartition(":")
        params = {"fromSrc": "-", "repo": repository, "tag": version, "changes": "\n".join(changes)}
        request = self._connection.request("POST", "images/create", params=params, data=tree, headers=TAR)
        async with request as answer:
            async for line in answer.content:
                report = json.loads(line) if line.strip() else {}
                if "error" in report:
                    raise refused(0, str(report["error"]))

    async def build(self, context: IO[bytes], tag: str, labels: Mapping[str, str]) -> None:
        """Build a context. Its Dockerfile must run nothing, because the engine has no isolation for builds."""
        with self._connection.calls():
            reports = self._connection.api.images.build(
                fileobj=context, encoding="identity", tag=tag, labels=labels, stream=True
            )
            async for _ in reports:
                pass


def tcp_ports(exposed: Iterable[str]) -> list[int]:
    """The TCP ports in `8080`, `8080/tcp` or `3000-3010/tcp`. Of a range only the first port counts; UDP is skipped."""
    numbers = [re.match(r"\d+", port) for port in exposed if not port.endswith("/udp")]
    return sorted({int(number[0]) for number in numbers if number})


def _tags(image: Mapping[str, Any]) -> list[str]:
    return [tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]
