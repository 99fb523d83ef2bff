"""Removes things from the host, in the right order, and lists what is there."""

import asyncio
import shutil
from collections.abc import Iterable

from seatrial.agent.environments.names import owned_by
from seatrial.agent.environments.planner import Host
from seatrial.agent.environments.tools import Tools
from seatrial.agent.vocabulary.containers import Container
from seatrial.agent.vocabulary.labels import DEPLOYMENT
from seatrial.agent.vocabulary.options import LONGEST_STOP_SECONDS

GRACE_SECONDS = 5.0


async def look(tools: Tools, environment: str) -> Host:
    """Everything of `environment` that is on this host. Raises RuntimeUnavailable."""
    labels = owned_by(tools.agent, environment)
    runtime = tools.runtime
    containers, networks, volumes, images = await asyncio.gather(
        runtime.list_containers(labels),
        runtime.list_networks(labels),
        runtime.list_volumes(labels),
        runtime.list_images(labels),
    )
    folder = tools.directory / "builds" / environment
    trees = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    return Host(tuple(containers), networks, volumes, images, frozenset(trees))


async def remove_deployment(tools: Tools, environment: str, deployment: str, *, gently: bool) -> None:
    """Remove its containers, its network and its files; `gently` lets services end by themselves."""
    labels = owned_by(tools.agent, environment) | {DEPLOYMENT: deployment}
    containers = await tools.runtime.list_containers(labels)
    if gently:
        await stop(tools, containers)
    await asyncio.gather(*(tools.runtime.remove(container.name) for container in containers))
    for network in await tools.runtime.list_networks(labels):
        await tools.runtime.remove_network(network)
    await forget_files(tools, environment, deployment)


async def stop(tools: Tools, containers: Iterable[Container]) -> None:
    """Let them end by themselves, all at the same time; each for as long as it has."""
    await asyncio.gather(*(tools.runtime.stop(c.name, grace_seconds(c)) for c in containers))


def grace_seconds(container: Container) -> float:
    """How long it has to end by itself."""
    asked = GRACE_SECONDS if container.stop_seconds is None else container.stop_seconds
    return min(asked, LONGEST_STOP_SECONDS)


async def remove_everything(tools: Tools, environment: str) -> None:
    """Remove containers, networks, volumes, images and files of the environment. Safe to repeat."""
    host = await look(tools, environment)
    await asyncio.gather(*(tools.runtime.remove(container.name) for container in host.containers))
    for network in host.networks:
        await tools.runtime.remove_network(network)
    for volume in host.volumes:
        await tools.runtime.remove_volume(volume)
    for image in host.images:
        await tools.runtime.remove_image(image)
    await forget_files(tools, environment)


async def forget_files(tools: Tools, environment: str, deployment: str = "") -> None:
    """Remove the files of one deployment, or of all; and the environment's folder when it is empty."""
    folder = tools.directory / "builds" / environment
    await asyncio.to_thread(shutil.rmtree, folder / deployment, ignore_errors=True)
    if deployment and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
