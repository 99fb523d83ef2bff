"""The whole `galley-agent` process: real bus, real engine, real builds, real sandboxes; killed and started again."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from seatrial.agent.builds.standins import BROWSER
from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.control.bus import Bus as ControlBus
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.control.fleet.surveys import survey
from seatrial.control.previews.evidence.taking import Order
from seatrial.control.worker.screenshots import asked
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.deployments import (
    DeploymentReady,
    DesiredDeployment,
    DesiredEnvironment,
    EnvironmentRemoved,
)
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.hosts import AskHost
from seatrial.wire.screenshots import AskScreenshot, NoScreenshot, Shown
from tests.agent.browsers import import_browser
from tests.agent.harness import deployment, environment, then
from tests.agent.previews import fetch, single
from tests.agent.test_bus import stored
from tests.bus.conftest import bus as control
from tests.bus.conftest import configuration, nats_server
from tests.bus.servers import NatsServer
from tests.engines import require
from tests.repositories import Repository
from tests.waiting import LIMIT_SECONDS

M = TypeVar("M", bound=Message)

pytestmark = [pytest.mark.docker, pytest.mark.nats]
__all__ = ["configuration", "control", "nats_server"]


# It asks itself by its address, where it does answer: a browser that is led there says so in the title.
PAGE = (
    "while read address names; do own=$address; done < /etc/hosts; "
    'echo "<title>Harbour</title><body style=margin:0><div style=height:2000px;background:green></div><script>'
    "fetch('http://$own/', {mode: 'no-cors'}).then(() => document.title += ', got out', () => document.title += ', kept in')"
    '</script>" > /www/index.html; exec httpd -f -p 80 -h /www'
)


class Process:
    """A galley-agent process on a data directory of its own."""

    def __init__(self, directory: Path, server: NatsServer, agent: str) -> None:
        self.directory = directory
        self.log = directory.parent / "agent.log"
        self.environment = os.environ | {
            "GALLEY_DATA_DIR": str(directory),
            "GALLEY_NATS_URL": server.url,
            "GALLEY_CONTROL_PLANE_URL": "http://127.0.0.1:1",
            "GALLEY_ORPHAN_GRACE_SECONDS": "1",
        }
        identity = Identity.load(directory / "identity")
        token = agent_token(server.identity.signing_seed.read_bytes().strip(), agent, identity.public_key)
        identity.keep(Credential(agent=agent, name="a", nats_url=server.url, user_jwt=token))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seatrial.agent.main"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def runs(self) -> None:
        """Start it and wait until it listens to signals."""
        before = self.log.read_text().count("agent runs")
        self.start()
        async with asyncio.timeout(LIMIT_SECONDS):
            while self.log.read_text().count("agent runs") == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=LIMIT_SECONDS)


@pytest.fixture
async def process(
    nats_server: NatsServer, control: ControlBus, agent_id: str, runtime: DockerRuntime
) -> AsyncIterator[Process]:
    require("buildah")
    await control.ensure_bucket(agent_id)
    with tempfile.TemporaryDirectory(prefix="galley-agent-test-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # the builder's account must get in  # noqa: PTH101
        process = Process(Path(folder) / "agent", nats_server, agent_id)
        yield process
        if process.process is not None and process.process.poll() is None:
            process.process.kill()
            process.process.wait()


async def reported(control: ControlBus, kind: type[M], seconds: float = LIMIT_SECONDS) -> M:
    """The first event of `kind` on the bus."""
    async with asyncio.timeout(seconds):
        while True:
            for envelope in await stored(control, subjects.OBSERVED_STREAM):
                message = envelope.open()
                if isinstance(message, kind):
                    return message
            await asyncio.sleep(0.1)


async def put(control: ControlBus, agent: str, wanted: DesiredEnvironment) -> None:
    bucket = await control.jetstream.key_value(subjects.desired_bucket(agent))
    await bucket.put(wanted.environment, Envelope.wrap(wanted).encode())


def question(of: DesiredEnvironment, live: DesiredDeployment) -> AskScreenshot:
    return AskScreenshot(environment=of.environment, deployment=live.id, service="web")


@pytest.fixture
def browser(request: pytest.FixtureRequest, busybox: str) -> Iterator[str]:
    """The name of an image with a browser: in a campaign the one that agents make, which takes minutes on a host that has none."""
    name = f"{busybox}-browser"
    if request.config.getoption("--campaign-seed") or not import_browser(name):
        yield BROWSER
        return
    yield name
    subprocess.run(["docker", "rmi", "-f", name], check=False, capture_output=True)


async def looked_at(control: ControlBus, order: Order) -> tuple[Shown, bytes]:
    """The screenshot; where the browser's image is made, that comes first."""
    async with asyncio.timeout(900):
        while isinstance(answer := await asked(control, order), NoScreenshot):
            assert answer.again, answer.problem
            await asyncio.sleep(0.5)
    return answer


@pytest.mark.timeout(1_200)  # in a campaign, the browser's image is made
async def test_killed_at_any_moment_and_removed_at_the_end(
    process: Process,
    control: ControlBus,
    tmp_path: Path,
    busybox: str,
    browser: str,
    agent_id: str,
    runtime: DockerRuntime,
) -> None:
    repository = Repository(tmp_path / "shop")
    process.environment["GALLEY_BROWSER_IMAGE"] = browser
    candidate = deployment(repository.commit(single(busybox, PAGE, "    expose: 80\n")))
    wanted = environment(repository, "pr-1-kill", candidate=candidate)
    heartbeats = await control.client.subscribe(subjects.HEARTBEATS)
    await put(control, agent_id, wanted)
    for moment in (0.8, 1.5, 2.5):
        process.start()
        await asyncio.sleep(moment)
        process.end(signal.SIGKILL)
    await process.runs()
    ready = await reported(control, DeploymentReady)
    assert "Harbour" in await fetch(ready.services[0].endpoint)
    beat = Envelope.decode((await heartbeats.next_msg(timeout=LIMIT_SECONDS)).data).open()
    assert isinstance(beat, Heartbeat) and beat.runtime == "docker"
    report = await survey(control, agent_id, AskHost(names=["localhost"]))
    assert (report.release, report.engine_problem) == (beat.release, "") and report.engine

    await put(control, agent_id, then(wanted, live=candidate, candidate=None))
    shown, png = await looked_at(control, Order("s", agent_id, question(wanted, candidate)))
    assert (shown.status, shown.title, shown.width, shown.height) == (200, "Harbour, kept in", 1280, 2000)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.convert("RGB").getpixel((640, 1900)) == (0, 128, 0)
    assert process.end(signal.SIGTERM) == 0
    assert "Harbour" in await fetch(ready.services[0].endpoint), "a stopped agent leaves previews running"
    assert "Traceback" not in process.log.read_text()

    bucket = await control.jetstream.key_value(subjects.desired_bucket(agent_id))
    await bucket.delete(wanted.environment)
    await process.runs()
    assert (await reported(control, EnvironmentRemoved)).environment == wanted.environment
    mine = {AGENT: agent_id, "galley.environment": wanted.environment}
    assert not await runtime.list_containers(mine) and not await runtime.list_networks(mine)
    assert not await runtime.list_images(mine)
    assert process.end(signal.SIGTERM) == 0


def test_two_agents_on_one_directory(process: Process, tmp_path: Path) -> None:
    process.start()
    lock, until = process.directory / "agent.lock", time.monotonic() + 60
    while not (lock.exists() and lock.read_text()):
        assert time.monotonic() < until, process.log.read_text()
        time.sleep(0.05)
    second = subprocess.run(
        [sys.executable, "-m", "seatrial.agent.main"],
        env=process.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert second.returncode == 2
    assert second.stderr.startswith("galley-agent: another agent (process ")


def test_help_and_bad_settings() -> None:
    command = [sys.executable, "-m", "seatrial.agent.main"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "GALLEY_MAX_PARALLEL_BUILDS" in shown.stdout
    bad = subprocess.run(
        command,
        env=os.environ | {"GALLEY_DEFAULT_MEMORY": "much"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 2
    assert "GALLEY_DEFAULT_MEMORY" in bad.stderr and "Traceback" not in bad.stderr
