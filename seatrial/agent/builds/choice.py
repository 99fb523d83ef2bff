"""Which builder and which source of images belong to a runtime."""

from pathlib import Path

from seatrial.agent.builds.base import Builder, Images, Log
from seatrial.agent.builds.bases import Bases
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.debian import Debootstrap
from seatrial.agent.builds.images import DockerImages, EngineImages
from seatrial.agent.builds.layers import Layers
from seatrial.agent.builds.standins import DebianStandIns
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.engine import Engine
from seatrial.agent.runtime.process import ProcessRuntime
from seatrial.agent.runtime.process.images import ProcessBuilder, ProcessImages
from seatrial.agent.settings import Settings


def choose(settings: Settings, runtime: Runtime) -> tuple[Builder, Images]:
    """The pair for `runtime`: rootless builds and an engine's images, or none of both for bare processes."""
    if isinstance(runtime, ProcessRuntime):
        return ProcessBuilder(runtime.images), ProcessImages(runtime.images)
    if not isinstance(runtime, DockerRuntime):
        raise TypeError(f"nothing builds for the runtime {runtime.name}")
    builder, images, _ = docker_builds(
        runtime.engine,
        settings.build_cache_directory,
        settings.galley_build_network,
        settings.galley_build_ca_file,
    )
    builder.least_free_mb = settings.galley_min_free_mb
    return builder, images


def docker_builds(
    engine: Engine, data: Path, network: str, certificates: Path | None = None
) -> tuple[BuildahBuilder, DockerImages, DebianStandIns]:
    """Builder, images and stand-ins: a build may begin from a stand-in, and a stand-in only from what the engine has."""
    bases, layers = Bases(engine), Layers(data)
    # What a stand-in installs is the distribution's, and needs its mirror even where projects' builds have no network.
    trusted = BuildahBuilder(engine, bases, EngineImages(engine), layers)
    stand_ins = DebianStandIns(engine, trusted, Debootstrap(engine, data / "scratch"))
    images = DockerImages(engine, stand_ins)
    return BuildahBuilder(engine, bases, images, layers, network, certificates), images, stand_ins


async def prepare(engine: Engine, data: Path, images: list[str], log: Log) -> dict[str, str]:
    """Have `images` on the host before anybody asks: pulled, or their stand-ins built. `{image: reference}`.

    For the embedded set-up. Raises ImageUnavailable for the first that cannot be had.
    """
    _, source, _ = docker_builds(engine, data, "isolated")
    return {image: await source.ensure(image, log) for image in images}
