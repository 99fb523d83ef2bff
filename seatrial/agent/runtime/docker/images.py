"""Inspects images, lists them by label and removes them. Builders make them."""

from collections.abc import Mapping

from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.containers import HealthCheck


class Images:
    """The image part of `Runtime`."""

    engine: Engine

    async def has_image(self, image: str) -> bool:
        """See Runtime."""
        return await self.engine.images.get(image) is not None

    async def image_labels(self, image: str) -> Mapping[str, str]:
        """See Runtime."""
        known = await self.engine.images.get(image)
        return known.labels if known else {}

    async def image_ports(self, image: str) -> list[int]:
        """See Runtime."""
        known = await self.engine.images.get(image)
        return known.ports if known else []

    async def image_bytes(self, image: str) -> int | None:
        """See Runtime."""
        known = await self.engine.images.get(image)
        return known.bytes if known else None

    async def image_volumes(self, image: str) -> list[str]:
        """See Runtime."""
        known = await self.engine.images.get(image)
        return known.volumes if known else []

    async def image_check(self, image: str) -> HealthCheck | None:
        """See Runtime."""
        known = await self.engine.images.get(image)
        return known.check if known else None

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime. An image without a tag is referred to by its id."""
        listed = await self.engine.images.list(labels)
        return {reference: image.labels for image in listed for reference in image.references}

    async def remove_image(self, reference: str) -> None:
        """See Runtime."""
        await self.engine.images.remove(reference)
