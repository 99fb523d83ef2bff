"""The recipe of a commit that has none: a Dockerfile made from its files."""

import asyncio

from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.tree import REGULAR, Tree
from seatrial.detection import MAX_BYTES, Nothing, Plan, detect, files_of, wanted
from seatrial.wire.states import ServiceKind

SOURCE = "detected Dockerfile"


async def detected(tree: Tree) -> Plan | Nothing:
    """How to run the files of `tree`. On a thread: hostile files take a while, and heartbeats must go on."""
    paths = [entry.path for entry in await tree.entries() if entry.mode in REGULAR]
    contents = await tree.read_many(wanted(paths), limit=MAX_BYTES)
    return await asyncio.to_thread(lambda: detect(files_of(paths, contents)))


def recipe_of(plan: Plan, warning: str) -> Recipe:
    """One web service, built from what was detected."""
    service = Service(name="web", kind=ServiceKind.WEB, build=Build(dockerfile_inline=plan.dockerfile))
    return Recipe(SOURCE, {"web": service}, warnings=(warning,) if warning else (), detected=plan)
