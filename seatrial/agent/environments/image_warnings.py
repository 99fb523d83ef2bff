"""What people should know of the image that a service runs from, above all that it is a stand-in."""

import re

from seatrial.agent.builds.standins import STANDS_IN, warning_of
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.labels import WARNINGS

NOT_THERE = re.compile("not found|no such file", re.IGNORECASE)


async def image_warnings(runtime: Runtime, service: Service, image: str) -> list[str]:
    """One line for each thing, without the service's name. `image` is what it runs from on this host."""
    labels = await runtime.image_labels(image)
    if service.build is not None:
        return labels.get(WARNINGS, "").splitlines()
    warning = warning_of(service.image or "", image, labels)
    return [warning] if warning else []


async def why_not_there(runtime: Runtime, service: Service, image: str, said: str) -> str:
    """A sentence for a service in whose image a program is missing, if a stand-in may be why; else nothing."""
    if not NOT_THERE.search(said):
        return ""
    warnings = [one for one in await image_warnings(runtime, service, image) if STANDS_IN in one]
    if not warnings:
        return ""
    return f"{warnings[0]}. It may lack programs that the image has: install them, or make the registry reachable"
