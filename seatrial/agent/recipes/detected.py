"""The recipe of a commit that has none: a Dockerfile made from its files."""

import asyncio

from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.tree import REGULAR, Tree
from seatrial.detection import MAX_BYTES, Nothing, Plan, detect, files_of, wanted
from seatrial.wire.states import ServiceKind

SOURCE = "detected Dockerfile"


async def detected(tree: Tree, folder: str) -> Plan | Nothing:
    """How to run the files of `folder`; empty: of the whole tree. On a thread: hostile files take a while, and heartbeats must go on."""
    prefix = f"{folder}/" if folder else ""
    regular = [entry.path for entry in await tree.entries() if entry.mode in REGULAR]
    paths = [path.removeprefix(prefix) for path in regular if path.startswith(prefix)]
    read = await tree.read_many([prefix + path for path in wanted(paths)], limit=MAX_BYTES)
    contents = {path.removeprefix(prefix): content for path, content in read.items()}
    return await asyncio.to_thread(lambda: detect(files_of(paths, contents)))


def recipe_of(plan: Plan, folder: str, warning: str) -> Recipe:
    """One web service, built from what was detected in `folder`."""
    build = Build(path=folder or ".", dockerfile_inline=plan.dockerfile)
    service = Service(name="web", kind=ServiceKind.WEB, build=build)
    return Recipe(SOURCE, {"web": service}, warnings=(warning,) if warning else (), detected=plan)
