"""What people should know of the image that a service runs from, above all that it is a stand-in."""

import re
from collections.abc import Mapping

from seatrial.agent.builds.standins import stood_in
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.labels import STAND_INS, WARNINGS

NOT_THERE = re.compile("not found|no such file", re.IGNORECASE)  # shells and engines say it in no other way


async def image_warnings(runtime: Runtime, service: Service, image: str) -> list[str]:
    """One line for each thing, without the service's name. `image` is what it runs from on this host."""
    labels = await runtime.image_labels(image)
    further = labels.get(WARNINGS, "") if service.build is not None else ""
    return [*stand_ins(service, image, labels), *further.splitlines()]


def stand_ins(service: Service, image: str, labels: Mapping[str, str]) -> list[str]:
    """A sentence for each stand-in that `image`, with `labels`, is or was built from."""
    if service.build is not None:
        return labels.get(STAND_INS, "").splitlines()
    sentence = stood_in(service.image or "", image, labels)
    return [sentence] if sentence else []


async def why_not_there(runtime: Runtime, service: Service, image: str, said: str) -> str:
    """A sentence if a stand-in may be why a program is missing in the service's image; else nothing. `said`: what the shell
    or the engine said of it."""
    if not NOT_THERE.search(said):
        return ""
    told = stand_ins(service, image, await runtime.image_labels(image))
    if not told:
        return ""
    return f"{told[0]}. It may lack programs that the image has: install them, or make the registry reachable"
