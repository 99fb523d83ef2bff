"""Images: looked at, listed by label, removed. Making them is the builders' work."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import aiodocker

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.docker.shapes import check_from, label_filter
from seatrial.agent.vocabulary.containers import HealthCheck

_GOING = "unrecognized image ID"  # the engine's word for one that another removal takes along in this moment


class Images:
    """The image part of `Runtime`."""

    engine: Engine

    async def has_image(self, image: str) -> bool:
        """See Runtime."""
        return await self._image(image) is not None

    async def image_ports(self, image: str) -> list[int]:
        """See Runtime."""
        return tcp_ports((await self._config(image)).get("ExposedPorts") or {})

    async def image_volumes(self, image: str) -> list[str]:
        """See Runtime."""
        return sorted((await self._config(image)).get("Volumes") or {})

    async def image_check(self, image: str) -> HealthCheck | None:
        """See Runtime."""
        return check_from((await self._config(image)).get("Healthcheck") or {})

    async def _config(self, image: str) -> dict[str, Any]:
        return ((await self._image(image)) or {}).get("Config") or {}

    async def _image(self, image: str) -> dict[str, Any] | None:
        try:
            with self.engine.calls():
                return await self.engine.api.images.inspect(image)
        except aiodocker.DockerError as error:
            if error.status == 404:
                return None
            raise

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime. An image without a tag is referred to by its id."""
        with self.engine.calls():
            found = await self.engine.api.images.list(filters=label_filter(labels))
        return {reference: image["Labels"] or {} for image in found for reference in _references(image)}

    async def remove_image(self, reference: str) -> None:
        """See Runtime."""
        try:
            with self.engine.calls():
                await self.engine.api.images.delete(reference, force=False)
        except aiodocker.DockerError as error:
            if error.status not in {404, 409} and _GOING not in error.message:
                raise


def tcp_ports(exposed: Iterable[str]) -> list[int]:
    """TCP ports of `8080`, `8080/tcp` or `3000-3010/tcp`, of which the first stands for all; the rest is skipped."""
    numbers = [re.match(r"\d+", port) for port in exposed if not port.endswith("/udp")]
    return sorted({int(number[0]) for number in numbers if number})


def _references(image: Mapping[str, Any]) -> list[str]:
    tags = [tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]
    return tags or [image["Id"]]
