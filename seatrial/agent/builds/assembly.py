"""Puts the parts of this room together: rootless builds, images of an engine, and their stand-ins."""

from dataclasses import replace
from pathlib import Path

from seatrial.agent.builds.bases import Bases
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.debian import Debootstrap
from seatrial.agent.builds.images import DockerImages, EngineImages
from seatrial.agent.builds.layers import Layers
from seatrial.agent.builds.pulled import PulledImages
from seatrial.agent.builds.python_alone import PythonAlone
from seatrial.agent.builds.registries.logins import Logins
from seatrial.agent.builds.registries.pull import Limits
from seatrial.agent.builds.registries.puller import Puller
from seatrial.agent.builds.standins import DebianStandIns
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary import image_names
from seatrial.agent.vocabulary.addresses import Address
from seatrial.agent.vocabulary.build_isolation import BuildIsolation


def docker_builds(
    engine: Engine,
    data: Path,
    network: str,
    certificates: Path | None = None,
    *,
    allowed: tuple[Address, ...] = (),
    least_free_mb: int = 0,
    isolation: BuildIsolation = BuildIsolation.USERNS,
    logins: Path | None = None,
    memory_mb: int = 0,
    in_place: str = "",
) -> tuple[BuildahBuilder, DockerImages, DebianStandIns]:
    """Builder, images and stand-ins: a build may begin from a stand-in, and a stand-in only from what the engine has.
    `allowed` is what pulls may reach on the host and in its network, `logins` a file with the operator's logins there, and `in_place`
    the images that are taken in place of others. All three
    keep to `isolation`."""
    if isolation is BuildIsolation.CHROOT:  # whose files have other owners
        data = data / isolation
    bases, layers = Bases(engine), Layers(data)
    # A stand-in installs the distribution's packages: it needs the mirror even where projects' builds have no network.
    trusted = BuildahBuilder(engine, bases, EngineImages(engine), layers, isolation=isolation)
    stand_ins = DebianStandIns(engine, trusted, Debootstrap(engine, data / "scratch"))
    puller = Puller(
        engine, data / "pulls", allowed, certificates, Limits(least_free_mb), isolation, Logins(logins)
    )
    images = DockerImages(
        engine,
        stand_ins,
        puller,
        kept=PulledImages(engine, data / "pulled.json"),
        in_place=image_names.in_place(in_place),
    )
    builder = BuildahBuilder(
        engine,
        bases,
        images,
        layers,
        network,
        certificates,
        least_free_mb=least_free_mb,
        memory_mb=memory_mb,
        isolation=isolation,
    )
    return builder, images, stand_ins


def for_sandboxes(images: DockerImages, data: Path) -> DockerImages:
    """The same images, for what policies run in: its stand-in has a Python of its own. `data` as in `docker_builds`."""
    return replace(images, stand_ins=PythonAlone(images.engine, data / "scratch", images.stand_ins))
