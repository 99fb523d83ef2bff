"""Chooses the runtime and the image builder of this host."""

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import Builder, Images
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.processes.images import ProcessBuilder, ProcessImages
from seatrial.agent.engine import Engine
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.runtime.docker import DockerRuntime, PreviewFence
from seatrial.agent.runtime.process import ProcessRuntime
from seatrial.agent.settings import Settings
from seatrial.wire.words import RuntimeKind


def runtime_of(settings: Settings) -> Runtime:
    """The runtime that the settings name."""
    if settings.galley_runtime == RuntimeKind.PROCESS:
        return ProcessRuntime(settings.galley_data_dir / "process")
    fence = PreviewFence(wanted=settings.galley_firewall, resolvers=settings.resolvers)
    return DockerRuntime(Engine(settings.docker_host), fence)


def choose(settings: Settings, runtime: Runtime) -> tuple[Builder, Images]:
    """The builder and the images for `runtime`: rootless builds or BuildKit's, and the engine's images; or their counterparts for
    bare processes."""
    if isinstance(runtime, ProcessRuntime):
        return ProcessBuilder(runtime.images), ProcessImages(runtime.images)
    if not isinstance(runtime, DockerRuntime):
        raise TypeError(f"nothing builds for the runtime {runtime.name}")
    builder, images, _ = docker_builds(
        runtime.engine,
        settings.build_cache_directory,
        settings.galley_build_network,
        settings.galley_build_ca_file,
        allowed=settings.registries,
        least_free_mb=settings.galley_min_free_mb,
        isolation=settings.galley_build_isolation,
        logins=settings.galley_registry_auth_file,
        memory_mb=settings.galley_build_memory,
        in_place=settings.galley_base_images,
    )
    if settings.galley_builder == "buildah":
        return builder, images
    return buildkit(settings, runtime, builder, images), images


def buildkit(
    settings: Settings, runtime: DockerRuntime, kept: BuildahBuilder, images: Images
) -> BuildKitBuilder:
    """The builder with BuildKit. Pulls and stand-ins stay with buildah, whose layers in `kept` are pruned with its own."""

    async def fence() -> bool:
        await runtime.keep_fence()
        return runtime.fence.stands

    return BuildKitBuilder(
        runtime.engine,
        images,
        settings.build_cache_directory / "buildkit",
        settings.galley_build_network,
        settings.galley_buildkit_host,
        settings.galley_build_ca_file,
        fence,
        least_free_mb=settings.galley_min_free_mb,
        prunes=[kept.prune],
    )
