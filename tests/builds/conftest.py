"""Fixtures: one real builder per test session, on the real engine. Everything it made is removed."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from tests.engines import missing, require

AnyBuilder = BuildahBuilder | BuildKitBuilder
CAMPAIGN = pytest.mark.campaign
# buildah with a user namespace and, as `chroot`, without.
each = pytest.mark.parametrize("builder", ["buildah", "buildkit", "chroot"], indirect=True)
both = pytest.mark.parametrize(
    "builder", ["buildah", "buildkit", pytest.param("chroot", marks=CAMPAIGN)], indirect=True
)
# The same where another test shows the same kind of thing: in continuous integration with buildah alone.
both_in_campaigns = pytest.mark.parametrize(
    "builder",
    ["buildah", pytest.param("buildkit", marks=CAMPAIGN), pytest.param("chroot", marks=CAMPAIGN)],
    indirect=True,
)
OURS = f"builds-{os.getpid()}"  # not those of a pytest beside this one
LABEL = f"seatrial.test={OURS}"
BASE = f"seatrial-test/base-{os.getpid()}:1"
SOCKET = "unix:///var/run/docker.sock"
KEPT = (
    "debian",
    "python",
    "python-whole",
    "postgres",
    "nats",
    "traefik",
    "haproxy",
)  # stand-ins that others use, too


class Lines(list[str]):
    """A log that keeps its lines."""

    async def __call__(self, line: str) -> None:
        self.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self)


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The builder's folder, closed to other users, like the platform's."""
    require("docker")
    require("buildah")
    folder = tmp_path_factory.mktemp("builder")
    before = stand_ins()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    for image in [*images(LABEL), *(stand_ins() - before)]:
        subprocess.run(["docker", "rmi", "-f", image], check=False, capture_output=True)


def images(label: str) -> list[str]:
    command = ["docker", "images", "-q", "--filter", f"label={label}"]
    return list(
        dict.fromkeys(subprocess.run(command, check=False, capture_output=True, text=True).stdout.split())
    )


def stand_ins() -> set[str]:
    """Stand-ins that only these tests need; the others serve the platform too and are kept as its cache."""
    command = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "seatrial/stand-in-*"]
    names = subprocess.run(command, check=False, capture_output=True, text=True).stdout.split()
    return {name for name in names if not any(f"-{kept}:" in name for kept in KEPT)}


@pytest.fixture(scope="session")
def busybox() -> bytes:
    return Path(require("busybox")).read_bytes()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, busybox: bytes) -> str:
    """A small image on the engine to build FROM."""
    require("docker")
    root = tmp_path_factory.mktemp("base")
    for folder in ("bin", "tmp", "etc", "proc", "sys", "dev"):
        (root / folder).mkdir()
    (root / "bin/busybox").write_bytes(busybox)
    (root / "bin/busybox").chmod(0o755)
    for tool in (
        "sh",
        "cat",
        "echo",
        "sleep",
        "nc",
        "ls",
        "test",
        "ps",
        "touch",
        "wc",
        "env",
        "timeout",
        "id",
    ):
        (root / "bin" / tool).symlink_to("busybox")
    label = f"LABEL {LABEL}"
    command = ["docker", "import", "-c", label, "-c", 'CMD ["sh"]', "-", BASE]
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(command, stdin=tar.stdout, check=True, capture_output=True)
    return BASE


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    require("docker")
    engine = Engine(SOCKET)
    yield engine
    await engine.close()


@pytest.fixture
def builder(request: pytest.FixtureRequest, engine: Engine, cache: Path) -> AnyBuilder:
    """With buildah; `both` has a test run with BuildKit as well, and `each` without a user namespace."""
    return built_with(getattr(request, "param", "buildah"), engine, cache)


def built_with(
    kind: str, engine: Engine, cache: Path, network: str = "isolated", certificates: Path | None = None
) -> AnyBuilder:
    """The builder of this kind. The engine's own BuildKit promises no network but none."""
    if kind == "chroot" and os.geteuid() != 0:
        missing("only root builds without a user namespace")
    isolation = BuildIsolation.CHROOT if kind == "chroot" else BuildIsolation.USERNS
    buildah, images, _ = docker_builds(engine, cache, network, certificates, isolation=isolation)
    if kind != "buildkit":
        return buildah
    require("docker-buildx")
    return BuildKitBuilder(engine, images, cache / "buildkit", "none", certificates=certificates)


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., BuildRequest]:
    """Writes files into a folder of this test and asks to build them."""

    def make(
        tag: str,
        files: dict[str, str | bytes],
        *,
        scope: str = "tests",
        no_cache: bool = False,
        **build: object,
    ) -> BuildRequest:
        root = tmp_path / "context"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (root).chmod(0o700)
        return BuildRequest(
            service="web",
            build=Build(**build),  # type: ignore[arg-type]
            context_root=root,
            tag=f"seatrial-test/{tag}-{os.getpid()}:1",
            labels={"seatrial.test": OURS, "galley.deployment": tag},
            cache_scope=scope,
            no_cache=no_cache,
        )

    return make


def own_addresses() -> list[str]:
    """Of this host, as URLs write them."""
    interfaces = psutil.net_if_addrs().items()
    found = [
        a for name, listed in interfaces if not name.startswith(("br-", "veth", "galley")) for a in listed
    ]
    four = [a.address for a in found if a.family is socket.AF_INET]
    six = [f"[{a.address}]" for a in found if a.family is socket.AF_INET6 and "%" not in a.address]
    return [*four, *six]


def own_address() -> str:
    """One of them that others can ask and that stays: other tests have link-local ones for a while."""
    return next(a for a in own_addresses() if not a.startswith(("[", "127.", "169.254.")))


async def docker(*arguments: str, stdin: str = "") -> str:
    """The docker client's output; its failure is the test's."""
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
    out, _ = await process.communicate(stdin.encode())
    assert process.returncode == 0, out.decode()
    return out.decode()


@pytest.fixture
async def stand_in(engine: Engine, cache: Path, log: Lines) -> Callable[[str], Awaitable[str]]:
    require("debootstrap")
    stand_ins = docker_builds(engine, cache, "isolated")[2]

    async def make(image: str) -> str:
        reference = await stand_ins.ensure(image, "registry-1.docker.io does not answer", log)
        assert reference is not None
        return reference

    return make
