"""Images: looked at, listed by label, removed. Making them is the builders' work."""

from collections.abc import Mapping
from typing import Any

import aiodocker

from seatrial.agent.runtime.base import HealthCheck
from seatrial.agent.runtime.docker.engine import Engine
from seatrial.agent.runtime.docker.shapes import check_from, label_filter


class Images:
    """The image part of `Runtime`."""

    engine: Engine

    async def has_image(self, image: str) -> bool:
        """See Runtime."""
        return await self._image(image) is not None

    async def image_ports(self, image: str) -> list[int]:
        """See Runtime."""
        found = await self._image(image)
        exposed = ((found or {}).get("Config") or {}).get("ExposedPorts") or {}
        return sorted(int(port.split("/")[0]) for port in exposed if not port.endswith("/udp"))

    async def image_check(self, image: str) -> HealthCheck | None:
        """See Runtime."""
        found = await self._image(image)
        return check_from(((found or {}).get("Config") or {}).get("Healthcheck") or {})

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
            if error.status not in {404, 409}:
                raise


def _references(image: Mapping[str, Any]) -> list[str]:
    tags = [tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]
    return tags or [image["Id"]]
