"""Answers the control plane when it asks for a screenshot."""

from collections.abc import Sequence

import structlog

from seatrial.agent.environments.service import Environments
from seatrial.agent.environments.viewing import Viewed
from seatrial.agent.screenshots.camera import Camera, CameraError, View
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.envelope import Message
from seatrial.wire.screenshots import AskScreenshot, NoScreenshot, parts
from seatrial.wire.states import Isolation

log = structlog.get_logger(__name__)

OFF = "its agent takes no screenshots: GALLEY_BROWSER_IMAGE is not set there"
NOT_HERE = "the deployment is not live here"
NOT_SERVED = "the service cannot be visited now"


class Screenshots:
    """`camera` None: no screenshots are taken here. A question names what is looked at, and never where: that is known here."""

    def __init__(self, camera: Camera | None, environments: Environments) -> None:
        self._camera = camera
        self._environments = environments

    async def answer(self, asked: AskScreenshot) -> Sequence[Message]:
        """The messages that answer. Whatever goes wrong is in them; the deployment is not touched."""
        if self._camera is None:
            return [NoScreenshot(problem=OFF)]
        try:
            viewed = await self._environments.viewed(asked.environment, asked.deployment)
            if viewed is None:
                return [NoScreenshot(problem=NOT_HERE, again=True)]
            host = viewed.host(asked.service)
            if not host:
                return [NoScreenshot(problem=NOT_SERVED, again=True)]
            shown, png = await self._camera.take(view_of(viewed, host))
            return parts(shown, png)
        except (AgentError, CameraError) as error:
            log.warning("no screenshot", problem=str(error), **asked.model_dump())
            known = error if isinstance(error, CameraError) else CameraError(str(error))
            return [NoScreenshot(problem=str(known), again=not known.lasting, not_yet=known.not_yet)]


def view_of(viewed: Viewed, host: str) -> View:
    """The first page of `host`. The browser has the walls of what it looks at, at least: where that runs under gVisor, so does it."""
    scheme = viewed.address.scheme
    return View(
        url=f"http://{host}/",
        hosts=viewed.hosts(),
        headers={"X-Forwarded-Proto": scheme, "X-Forwarded-Host": host},
        network=viewed.network,
        gvisor=viewed.isolation is Isolation.GVISOR,
    )
