"""The settings reach the builder."""

from pathlib import Path

from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.engine import Engine
from seatrial.agent.hosting import choose
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.settings import Settings


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
