"""Which BuildKit builds, and which is refused because it would keep less than the settings promise."""

import asyncio
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildkit import buildx, symptom
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.buildkit.buildx import MISSING, Buildx, opened
from seatrial.agent.builds.buildkit.daemons import CONTAINER, Daemon, less_isolated, look, numbers
from seatrial.agent.builds.buildkit.progress import Progress
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.errors import BuilderFailed, BuildError
from tests.builds.bridge import bridged
from tests.builds.conftest import LABEL, SOCKET, Lines, docker
from tests.engines import require
from tests.waiting import until

OWN = Daemon("BuildKit v0.20.2", old=False, embedded=False, container=CONTAINER)
SAID = """Name:          galley
Driver:        remote

Nodes:
Name:             galley0
Status:           {status}
BuildKit version: {version}
Labels:
 org.mobyproject.buildkit.worker.network:          {network}
 org.mobyproject.buildkit.worker.oci.process-mode: {processes}
"""


class FakeEngine:
    """Whose container of BuildKit is on the networks `bridges`."""

    def __init__(
        self,
        bridges: Sequence[str] = (),
        state: ContainerState = ContainerState.RUNNING,
        version: str = "20.10.24",
    ) -> None:
        self.url = SOCKET
        self.bridges, self.state, self.version = bridges, state, version
        self.containers = self.streams = self.images = self
        self.networks = SimpleNamespace(get=self.network)
        self.said: list[str] = []

    async def machine(self) -> Any:
        return SimpleNamespace(version=self.version, root="")

    async def get(self, _name: str) -> Any:
        return SimpleNamespace(state=self.state, addresses=dict.fromkeys(self.bridges, ""), network_of=None)

    async def list(self, _labels: Any) -> list[Any]:
        return []

    async def network(self, name: str) -> Any:
        return SimpleNamespace(interface=name)

    async def logs(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        for line in self.said:
            yield SimpleNamespace(text=line)


def engine_of(*bridges: str, **more: Any) -> Engine:
    return cast(Engine, FakeEngine(bridges, **more))


@pytest.mark.parametrize(
    ("daemon", "network", "engine", "told"),
    [
        (OWN, "isolated", engine_of("galley-builds"), ""),
        (OWN, "none", engine_of(), ""),
        (OWN, "isolated", engine_of("galley-builds", "br-1234"), "a network whose bridge is not called galley"),
        (OWN, "isolated", engine_of(""), "a network whose bridge is not called galley"),
        (OWN, "isolated", engine_of(), "a network whose bridge is not called galley"),
        (OWN, "isolated", engine_of("galley-builds", state=ContainerState.RESTARTING), "no container galley-buildkit-v2 runs"),
        (replace(OWN, container=""), "isolated", engine_of("galley-builds"), "no container galley-buildkit-v2 runs"),
        (replace(OWN, shares_processes=True), "none", engine_of("galley-builds"), "without --oci-worker-no-process-sandbox"),
        (Daemon("the engine's", old=True, embedded=True), "none", engine_of(), ""),
        (Daemon("the engine's", old=True, embedded=True), "isolated", engine_of(), "Set GALLEY_BUILD_NETWORK=none"),
    ],
)  # fmt: skip
async def test_what_would_be_less_isolated_is_refused_with_the_fix(
    daemon: Daemon, network: str, engine: Engine, told: str
) -> None:
    said = await less_isolated(daemon, network, engine, fenced=True)
    assert (told in said) if told else said == ""


async def test_without_rules_there_is_no_fence() -> None:
    said = await less_isolated(OWN, "isolated", engine_of("galley-builds"), fenced=False)
    assert "there are no firewall rules" in said


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A docker-buildx of ours, which is a script."""

    def make(script: str) -> None:
        program = tmp_path / "docker-buildx"
        program.write_text(f"#!{sys.executable}\n{script}")
        program.chmod(0o755 | stat.S_IXUSR)
        monkeypatch.setattr(buildx, "found", lambda: str(program))

    return make


@pytest.mark.parametrize(
    ("status", "version", "network", "processes", "expected"),
    [
        ("running", "v0.20.2", "host", "sandbox", (True, False, False)),
        ("running", "v0.12.4", "cni", "no-sandbox", (False, True, True)),
        ("running", "v0.13.0", "bridge", "", (False, False, False)),
    ],
)
async def test_a_daemon_says_what_it_shares(
    says: Callable[[str], None],
    tmp_path: Path,
    status: str,
    version: str,
    network: str,
    processes: str,
    expected: tuple[bool, bool, bool],
) -> None:
    says(f"print({SAID.format(status=status, version=version, network=network, processes=processes)!r})")
    async with opened(tmp_path / "x", SOCKET, "unix:///run/b.sock") as client:
        daemon = await look(client, engine_of())
    assert (daemon.shares_network, daemon.shares_processes, daemon.has_holes) == expected
    assert (daemon.container, daemon.called) == (CONTAINER, f"BuildKit {version} at unix:///run/b.sock")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (SAID.format(status="inactive", version="", network="", processes=""), "no BuildKit answers at unix:///run/b.sock"),
        ("Status: running\n", "older than 0.11"),
        (SAID.format(status="running", version="v0.10.6", network="host", processes="sandbox"), "older than 0.11"),
        ("", "no BuildKit answers"),
    ],
)  # fmt: skip
async def test_one_that_does_not_answer_or_is_too_old_is_named(
    says: Callable[[str], None], tmp_path: Path, said: str, told: str
) -> None:
    says(f"print({said!r})")
    async with opened(tmp_path / "x", SOCKET, "unix:///run/b.sock") as client:
        with pytest.raises(BuilderFailed, match=told):
            await look(client, engine_of())


async def test_without_the_client_it_is_said_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buildx, "found", lambda: None)
    with pytest.raises(BuilderFailed, match="apt-get install docker-buildx") as caught:
        await Buildx(tmp_path / "x", SOCKET).prepare()
    assert str(caught.value) == MISSING
    facts = await BuildKitBuilder(engine_of(), cast(Any, None), tmp_path).facts()
    assert MISSING in facts.problems


async def test_the_engines_own_has_its_version_and_its_holes(tmp_path: Path) -> None:
    client = Buildx(tmp_path, SOCKET)
    old, new = await look(client, engine_of()), await look(client, engine_of(version="28.0.1"))
    assert (old.old, old.has_holes, new.old, new.has_holes) == (True, True, False, False)
    assert numbers("v0.8+unknown") == (0, 8, 0) and numbers("") == (0, 0, 0)


LOUD = f"x {symptom.CHILD}"


@pytest.mark.parametrize(
    ("state", "said", "restricts", "told"),
    [
        (ContainerState.RUNNING, [LOUD], "1", ""),
        (ContainerState.RESTARTING, [LOUD], "1", "is 1). Allow them: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        (ContainerState.RESTARTING, [LOUD], "0", "forbids user namespaces"),
        (ContainerState.RESTARTING, ["something else"], "1", "does not run (restarting): something else"),
    ],
)  # fmt: skip
async def test_a_kernel_that_keeps_user_namespaces_to_itself_is_named(
    tmp_path: Path, state: ContainerState, said: list[str], restricts: str, told: str
) -> None:
    (tmp_path / "restricts").write_text(f"{restricts}\n")
    engine = FakeEngine(["galley-builds"], state)
    engine.said = said
    found = await symptom.symptom(cast(Engine, engine), tmp_path / "restricts")
    assert (told in found) if told else found == ""


@pytest.mark.docker
async def test_a_container_that_cannot_make_its_namespace_is_recognised(
    engine: Engine, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"seatrial-test-buildkit-{secrets.token_hex(4)}"
    monkeypatch.setattr(symptom, "CONTAINER", name)
    line = f"echo '{symptom.CHILD}' >&2; exit 1"
    try:
        await docker(
            "run", "-d", "--name", name, "--label", LABEL, "--restart", "always", base, "sh", "-c", line
        )

        async def recognised() -> bool:
            return "docker restart" in await symptom.symptom(engine)

        await until(recognised)
    finally:
        await docker("rm", "-f", name)


@pytest.mark.docker
async def test_the_protocol_of_a_daemon_of_its_own_is_spoken(
    engine: Engine, tmp_path: Path, base: str, log: Lines
) -> None:
    require("docker-buildx")
    socket = tmp_path / "b.sock"
    (tmp_path / "context").mkdir()
    dockerfile = tmp_path / "context/Dockerfile"
    dockerfile.write_text(f"FROM {base}\nRUN echo {secrets.token_hex(4)} spoken\n")
    progress = Progress([], [])

    async def heed(line: str) -> None:
        log.extend(progress.heed(line))

    async with (
        bridged(Path(SOCKET.removeprefix("unix://")), socket),
        opened(tmp_path / "work", engine.url, f"unix://{socket}") as client,
    ):
        with pytest.raises(BuilderFailed, match=r"older than 0\.11"):  # the engine's own is
            await look(client, engine)
        arguments = ["build", "--progress=rawjson", "--network", "none", str(dockerfile.parent)]
        assert await client.reported(arguments, heed, 60) == 0, progress.said
    assert any(line.endswith("spoken") for line in log)
    assert not (tmp_path / "work").exists()


STANDS_IN = """
import json, os, sys
out = next(a for a in sys.argv if a.startswith("type=oci")).split("dest=")[1].split(",")[0] if sys.argv[1] == "build" else ""
with open({seen!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "inspect":
    print({said!r})
if out:
    import shutil
    shutil.copytree({layout!r}, out)
    print('{{"vertexes": [{{"digest": "1", "name": "[2/2] RUN echo", "started": "now"}}]}}', file=sys.stderr)
"""


@pytest.mark.docker
async def test_a_daemon_of_its_own_is_handed_bases_and_hands_an_image_back(
    engine: Engine,
    tmp_path: Path,
    base: str,
    log: Lines,
    says: Callable[[str], None],
    request_for: Callable[..., BuildRequest],
) -> None:
    """The daemon is a stand-in that always makes one image: its base."""
    from seatrial.agent.builds.buildkit.layouts import Layouts
    from seatrial.agent.builds.images import EngineImages

    image = await engine.images.get(base)
    assert image is not None
    layouts = Layouts(engine, tmp_path / "layouts")
    layout = (await layouts.of(image.id)).removeprefix("oci-layout://").split("@")[0]
    seen = tmp_path / "seen"
    said = SAID.format(status="running", version="v0.20.2", network="host", processes="sandbox")
    says(STANDS_IN.format(seen=str(seen), said=said, layout=layout))
    builder = BuildKitBuilder(engine, EngineImages(engine), tmp_path / "data", "none", "unix:///run/b.sock")
    request = request_for("remote", {"Dockerfile": f"FROM {base}\nRUN echo x\nHEALTHCHECK CMD true\n"})
    await builder.build(request, log)
    built = await engine.images.get(request.tag)
    assert built is not None and built.layers == image.layers
    assert built.labels["galley.deployment"] == "remote" and built.check is not None
    assert log == ["[2/2] RUN echo x"]
    asked = seen.read_text()
    assert '"create", "--name", "galley", "--driver", "remote", "unix:///run/b.sock"' in asked
    assert f"galley-base-{image.id[-12:]}=oci-layout://" in asked and '"--network", "none"' in asked
    assert not list((tmp_path / "data/work").iterdir())
    await builder.prune(14)
    assert '"until=336h"' in seen.read_text()
    assert list((tmp_path / "data/bases").iterdir())


ALONE = """
alone = open(folder + "/lock", "w")
fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if another build is under way
time.sleep(0.3)
"""
TOGETHER = """
open(f"{folder}/begun-{os.getpid()}", "w").close()
while len([name for name in os.listdir(folder) if name.startswith("begun")]) < 2:
    time.sleep(0.05)
"""


@pytest.mark.parametrize(("shared", "meanwhile"), [("host", ALONE), ("cni", TOGETHER)])
async def test_where_steps_of_all_builds_share_a_network_one_is_built_at_a_time(
    says: Callable[[str], None],
    tmp_path: Path,
    log: Lines,
    request_for: Callable[..., BuildRequest],
    shared: str,
    meanwhile: str,
) -> None:
    """The daemon's stand-in fails in the expected way if it is called as it expects."""
    said = SAID.format(status="running", version="v0.20.2", network=shared, processes="sandbox")
    body = meanwhile.replace("\n", "\n    ")
    says(
        f"import fcntl, os, sys, time\nfolder = {str(tmp_path)!r}\nif sys.argv[1] == 'inspect':\n    print({said!r})\n"
        f"elif sys.argv[1] == 'build':\n    {body}\n    sys.exit('ERROR: as expected')\n"
    )

    async def stands() -> bool:
        return True

    engine = cast(Engine, FakeEngine(["galley-builds"]))
    builder = BuildKitBuilder(
        engine, cast(Any, None), tmp_path / "data", "isolated", "unix:///run/b.sock", fence=stands
    )
    requests = [request_for(f"turn-{n}", {"Dockerfile": "FROM scratch\n"}) for n in range(2)]
    problems = await asyncio.gather(*(builder.build(one, log) for one in requests), return_exceptions=True)
    assert [str(problem) for problem in problems] == ["web: the build failed: as expected"] * 2
    assert all(isinstance(problem, BuildError) for problem in problems)
