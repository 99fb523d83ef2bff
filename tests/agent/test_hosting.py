"""The settings reach the builder."""

from pathlib import Path

from seatrial.agent.builds.buildah import BuildahBuilder
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
