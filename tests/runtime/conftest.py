"""Fixtures: the three runtimes, each with the image and command of the conformance suite's service."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ulid import ULID

from seatrial.agent.builds.base import Builder, BuildRequest
from seatrial.agent.builds.processes.images import ProcessBuilder
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.process import ProcessRuntime
from seatrial.agent.vocabulary.containers import ContainerSpec, HealthCheck, Resources, RestartPolicy
from seatrial.agent.vocabulary.labels import AGENT, ENVIRONMENT, FINGERPRINT, MANAGED
from tests.agent.conftest import SOCKET, busybox
from tests.agent.harness import DockerBuild
from tests.engines import require
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import BUSYBOX, FakeRuntime

__all__ = ["busybox"]


@dataclass
class Ground:
    """One runtime. `serve` is a command that answers on port 8080, or on the port that it is given.

    `image` serves a page; where that of `base` does, nothing is built before a test asks for it.
    """

    runtime: Runtime
    builder: Builder
    base: str
    serve: Sequence[str]
    folder: Path
    image: str = ""
    contains: bool = True  # what nobody trusts, where gVisor is
    id: str = field(default_factory=lambda: str(ULID()))

    @property
    def name(self) -> str:
        """What every name of this test begins with."""
        return f"galley-test-{self.id[-8:].lower()}"

    @property
    def labels(self) -> dict[str, str]:
        """What everything of this test carries."""
        return {MANAGED: "true", AGENT: self.id, ENVIRONMENT: "e1"}

    def spec(self, **changes: object) -> ContainerSpec:
        """One web service that serves."""
        plain = ContainerSpec(
            name=f"{self.name}-web",
            image=self.image,
            labels=self.labels | {FINGERPRINT: "f1"},
            networks={self.name: ["web"]},
            command=self.serve,
            resources=Resources(cpus=0.5, memory_mb=64, pids=50),
            restart=RestartPolicy.NEVER,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    def script(self, text: str, **changes: object) -> ContainerSpec:
        """One that runs a shell script."""
        return self.spec(command=["sh", "-c", text], **changes)

    async def check(self, check: HealthCheck) -> str | None:
        """Ask the web service once."""
        container = await self.runtime.get(f"{self.name}-web")
        assert container is not None
        asked = replace(check, port=container.port) if container.port and check.port == 8080 else check
        unwell = await self.runtime.check(container, self.name, asked)
        return unwell.seen if unwell else None

    async def build(self, dockerfile: str = "") -> None:
        """The image, with a page."""
        self.image = f"galley/{self.name}:1"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "index.html").write_text("ok\n")
        text = f"FROM {self.base}\nCOPY index.html /www/index.html\nEXPOSE 8080\n{dockerfile}"
        (self.folder / "Dockerfile").write_text(text)
        await self.builder.build(
            BuildRequest("web", Build(), self.folder, self.image, self.labels, "p"), _quiet
        )

    async def remove_all(self) -> None:
        """Leave nothing."""
        mine, runtime = {AGENT: self.id}, self.runtime
        for container in await runtime.list_containers(mine):
            await runtime.remove(container.name)
        for network in await runtime.list_networks(mine):
            await runtime.remove_network(network)
        for volume in await runtime.list_volumes(mine):
            await runtime.remove_volume(volume)
        for image in await runtime.list_images(mine):
            await runtime.remove_image(image)


async def _quiet(_line: str) -> None:
    return None


@pytest.fixture
async def docker_ground(busybox: str, tmp_path: Path) -> AsyncIterator[Ground]:
    runtime = DockerRuntime(Engine(SOCKET))
    serve = ["httpd", "-f", "-p", "8080", "-h", "/www"]
    ground = Ground(runtime, DockerBuild(), busybox, serve, tmp_path / "context", image=busybox)
    yield ground
    await ground.remove_all()
    await runtime.close()


@pytest.fixture
async def process_ground(reachable: Path) -> AsyncIterator[Ground]:
    require("busybox")
    runtime = ProcessRuntime(reachable / "process")
    serve = ["sh", "-c", "exec busybox httpd -f -p 127.0.0.1:$PORT -h www"]
    builder = ProcessBuilder(runtime.images)
    ground = Ground(runtime, builder, "scratch", serve, reachable / "context", contains=False)
    yield ground
    await ground.remove_all()


@pytest.fixture
async def fake_ground(tmp_path: Path) -> AsyncIterator[Ground]:
    runtime = FakeRuntime()
    serve = ["httpd", "-f", "-p", "8080", "-h", "/www"]
    ground = Ground(runtime, FakeBuild(runtime), BUSYBOX, serve, tmp_path / "context")
    yield ground
    await ground.remove_all()
    await runtime.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test with every runtime, but for what bare processes honestly lack."""
    if "ground" in metafunc.fixturenames:
        processes = [] if metafunc.definition.get_closest_marker("engines_only") else ["process"]
        runtimes = [pytest.param("docker", marks=pytest.mark.docker), *processes, "fake"]
        metafunc.parametrize("ground", runtimes, indirect=True)


@pytest.fixture
def ground(request: pytest.FixtureRequest) -> Ground:
    """The runtime that `pytest_generate_tests` says."""
    chosen: Ground = request.getfixturevalue(f"{request.param}_ground")
    return chosen


@pytest.fixture
def reachable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that services of another user reach: those of pytest are closed."""
    folder = tmp_path_factory.mktemp("reachable")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    return folder
