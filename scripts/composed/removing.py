"""Removes everything that the demo made, except caches: images of the product, layers, stand-ins."""

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import suppress

import aiodocker

from scripts.composed import forge
from scripts.composed.images import present
from scripts.composed.place import Place, engine_socket
from scripts.composed.stack import Stack
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.labelled import Labelled

AGAIN = "make stop-compose"


def remove(place: Place, phases: Phases) -> None:
    """In an order in which each step finds what it needs, so that it may be interrupted and run again. Raises CommandError.

    The agent's id, which labels previews, is in its data directory: that goes last.
    """
    phases.begin("code host")
    forge.end(place)
    phases.end("code host")
    phases.begin("containers and volumes")
    Stack(place).down()
    phases.end("containers and volumes")
    phases.begin("previews")
    for agent in agents(place):
        asyncio.run(_previews(agent))
    phases.end("previews")
    phases.begin("files")
    _files(place)
    phases.end("files")


def agents(place: Place) -> list[str]:
    """The ids under which the agent of this place has worked: one, once it has joined."""
    text = _as_root(place, "cat", "identity/credential.json")
    with suppress(ValueError, KeyError):
        return [str(json.loads(text)["agent"])]
    return []


async def _previews(agent: str) -> None:
    try:
        async with aiodocker.Docker(url=f"unix://{engine_socket(os.environ)}") as docker:
            await Labelled(docker, agent).remove()
    except CannotRun as error:
        raise CommandError(str(error), fix=f"Then again: {AGAIN}") from error


def _files(place: Place) -> None:
    if os.geteuid() != 0 and place.agent.exists():
        _as_root(place, "find", ".", "-mindepth", "1", "-delete")
    shutil.rmtree(place.root, ignore_errors=True)
    if place.root.exists():
        raise CommandError(
            f"{place.root} could not be removed completely.",
            fix=f"Remove it yourself: sudo rm -rf {place.root}",
        )


def _as_root(place: Place, *command: str) -> str:
    """Run a command in the agent's data directory, which is root's; a container is root where this user is not."""
    if not place.agent.exists():
        return ""
    if os.geteuid() == 0:
        done = subprocess.run(command, cwd=place.agent, capture_output=True, text=True, check=False)
        return done.stdout
    image = f"galley-agent:{place.values.get('TAG', '')}"
    if not present(image):
        return ""
    inside = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--workdir", "/data"]
    inside += ["--volume", f"{place.agent}:/data", "--entrypoint", command[0], image, *command[1:]]
    return subprocess.run(inside, capture_output=True, text=True, check=False).stdout
