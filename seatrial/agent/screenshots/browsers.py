"""The image that GALLEY_BROWSER_IMAGE names."""

from seatrial.agent.builds.images import DockerImages
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.logs import quiet


class BrowserImage:
    """It is on the host, or, if it is ours, made of the distribution's packages. It is never pulled."""

    def __init__(self, images: DockerImages, name: str) -> None:
        self._images = images
        self._name = name

    async def ensure(self) -> str:
        """See `Browsers.ensure`."""
        if await self._images.engine.images.get(self._name) is not None:
            return self._name
        made = await self._images.stand_ins.ensure(self._name, "not on this host", quiet)
        if made is None:
            raise ImageUnavailable(
                f"GALLEY_BROWSER_IMAGE names {self._name}, which is not on this host. Load it (docker load)"
            )
        return made
