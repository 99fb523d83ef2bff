"""The settings reach the builder."""

from pathlib import Path

from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.registries.puller import Puller
from seatrial.agent.builds.standins import DebianStandIns
from seatrial.agent.engine import Engine
from seatrial.agent.hosting import choose
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.settings import Settings
from seatrial.agent.vocabulary.build_isolation import BuildIsolation


async def test_the_builder_gets_folder_network_and_certificates(tmp_path: Path) -> None:
    settings = Settings(
        galley_data_dir=tmp_path, galley_build_network="none", galley_build_ca_file=tmp_path / "ca.pem"
    )
    builder, _ = choose(settings, DockerRuntime(Engine("unix:///nowhere.sock")))
    assert isinstance(builder, BuildahBuilder)
    assert (builder.data, builder.network, builder.certificates) == (
        tmp_path / "builder",
        "none",
        tmp_path / "ca.pem",
    )


async def test_pulls_stand_ins_and_builds_keep_to_the_same_isolation(tmp_path: Path) -> None:
    settings = Settings(galley_data_dir=tmp_path, galley_build_isolation="chroot")
    builder, images = choose(settings, DockerRuntime(Engine("unix:///nowhere.sock")))
    assert isinstance(builder, BuildahBuilder) and isinstance(images, DockerImages)
    assert isinstance(images.pulls, Puller) and isinstance(images.stand_ins, DebianStandIns)
    assert isinstance(images.stand_ins.builder, BuildahBuilder)
    parts = (builder, images.pulls, images.stand_ins.builder)
    assert {part.isolation for part in parts} == {BuildIsolation.CHROOT}
    assert builder.data == tmp_path / "builder/chroot", "files of the other isolation have other owners"


async def test_buildkit_gets_the_same_and_its_address(tmp_path: Path) -> None:
    settings = Settings(
        galley_data_dir=tmp_path,
        galley_builder="buildkit",
        galley_buildkit_host="unix:///run/b.sock",
        galley_build_network="none",
        galley_build_ca_file=tmp_path / "ca.pem",
        galley_min_free_mb=7,
    )
    builder, images = choose(settings, DockerRuntime(Engine("unix:///nowhere.sock")))
    assert isinstance(builder, BuildKitBuilder)
    assert builder.images is images, "pulls and stand-ins are the same"
    assert (builder.data, builder.network, builder.address) == (
        tmp_path / "builder/buildkit",
        "none",
        "unix:///run/b.sock",
    )
    assert (builder.certificates, builder.least_free_mb) == (tmp_path / "ca.pem", 7)
    assert builder.fence is not None and not await builder.fence(), "no rules are wanted here"
    assert len(builder.prunes) == 1, "what buildah keeps for stand-ins is pruned as well"
