"""The image that GALLEY_BROWSER_IMAGE names."""

import asyncio
import time

import structlog

from seatrial.agent.builds.images import DockerImages
from seatrial.agent.screenshots.camera import CameraError
from seatrial.agent.vocabulary.errors import AgentError, ImageUnavailable
from seatrial.agent.vocabulary.logs import quiet

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 60.0  # before what could not be made is tried once more


class BrowserImage:
    """It is on the host, or, if it is ours, made of the distribution's packages, which takes minutes. It is never pulled."""

    def __init__(self, images: DockerImages, name: str) -> None:
        self._images = images
        self._name = name
        self._made = ""
        self._making: asyncio.Task[None] | None = None
        self._problem = ""
        self._tried_at = float("-inf")

    async def ensure(self) -> str:
        """See `Browsers.ensure`."""
        for name in (self._name, self._made):
            if name and await self._images.engine.images.get(name) is not None:
                return name
        due = time.monotonic() - self._tried_at > AGAIN_SECONDS
        if self._making is None and (due or not self._problem):
            self._problem, self._tried_at = "", time.monotonic()
            self._making = asyncio.create_task(self._make())
        raise CameraError(
            self._problem or "the browser's image is being made on its agent's host", not_yet=True
        )

    async def close(self) -> None:
        """End what is being made."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _make(self) -> None:
        try:
            made = await self._images.stand_ins.ensure(self._name, "not on this host", quiet)
            if made is None:
                raise ImageUnavailable(
                    f"GALLEY_BROWSER_IMAGE names {self._name}, which is not on its agent's host. Load it (docker load)"
                )
            self._made = made
        except AgentError as error:
            log.warning("no image of the browser", problem=str(error))
            self._problem = str(error)
        finally:
            self._making = None
