"""Fixtures: a real Docker Engine, a tiny busybox image, and clean-up of everything that a test labelled as its own."""

import io
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from ulid import ULID

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.labels import AGENT, ENVIRONMENT, MANAGED
from tests.agent.harness import Agent
from tests.engines import missing
from tests.repositories import Repository

SOCKET = "unix:///var/run/docker.sock"
APPLETS = (
    "sh",
    "sleep",
    "httpd",
    "nc",
    "cat",
    "echo",
    "true",
    "false",
    "env",
    "wget",
    "dd",
    "touch",
    "rm",
    "mkdir",
    "nslookup",
    "kill",
)


def _busybox(folder: Path) -> bytes:
    installed = Path("/bin/busybox")
    if installed.exists():
        return installed.read_bytes()
    subprocess.run(["apt-get", "download", "busybox-static"], cwd=folder, check=True, capture_output=True)
    package = next(folder.glob("busybox-static_*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True)
    return next((folder / "unpacked").rglob("bin/busybox")).read_bytes()


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A 2 MB image with a shell and httpd; EXPOSEs nothing, runs `sleep`."""
    if subprocess.run(["docker", "version"], check=False, capture_output=True).returncode != 0:
        missing("no Docker Engine answers")
    program = _busybox(tmp_path_factory.mktemp("busybox"))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "tmp", "www"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        page = tarfile.TarInfo("www/index.html")
        page.size = 3
        tar.addfile(page, io.BytesIO(b"ok\n"))
    tag = f"seatrial-test-busybox:{ULID()!s}".lower()
    changes = ["-c", "ENV PATH=/bin", "-c", 'CMD ["sleep", "600"]', "-c", "LABEL galley.test=true"]
    subprocess.run(
        ["docker", "import", *changes, "-", tag], input=archive.getvalue(), check=True, capture_output=True
    )
    yield tag
    subprocess.run(["docker", "rmi", "-f", tag], check=False, capture_output=True)


@pytest.fixture
def agent_id() -> str:
    return str(ULID())


@pytest.fixture
def labels(agent_id: str) -> dict[str, str]:
    return {MANAGED: "true", AGENT: agent_id, ENVIRONMENT: "e1"}


@pytest.fixture
async def runtime(agent_id: str, busybox: str) -> AsyncIterator[DockerRuntime]:
    runtime = DockerRuntime(Engine(SOCKET))
    yield runtime
    mine = {AGENT: agent_id}
    for container in await runtime.list_containers(mine):
        await runtime.remove(container.name)
    for network in await runtime.list_networks(mine):
        await runtime.remove_network(network)
    for volume in await runtime.list_volumes(mine):
        await runtime.remove_volume(volume)
    for image in await runtime.list_images(mine):
        await runtime.remove_image(image)
    await runtime.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def agent(agent_id: str, tmp_path: Path, runtime: DockerRuntime) -> Agent:
    return Agent(agent_id, tmp_path / "agent", runtime)
