"""galley-agent on a host of its own, as its unit starts it: TLS to the control plane and to the bus, and what is refused."""

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from seatrial.control.accounts.tokens import issue
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.models import Agent
from tests import factories
from tests.bus.cluster import WithTLS
from tests.bus.servers import free_port
from tests.engines import find, missing
from tests.waiting import LIMIT_SECONDS, eventually
from tests.worker.stack import PLAIN, Stack, started

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "systemd" / "galley-agent.service"
HERE, THERE = (f"10.214.{os.getpid() % 250}.{number}" for number in (1, 2))


def lines(key: str) -> list[str]:
    """The values of a key in the unit."""
    pairs = (line.partition("=") for line in UNIT.read_text().splitlines())
    return [value for name, _, value in pairs if name == key]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The agent's host: a network of its own, beside ours."""
    if os.geteuid() != 0 or find("ip") is None:
        missing("namespaces need root and iproute2")
    name, ours, theirs = (f"gt{what}{os.getpid()}" for what in ("nh", "c", "d"))
    ip("netns", "add", name)
    try:
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        ip("addr", "add", f"{HERE}/24", "dev", ours)
        ip("link", "set", ours, "up")
        ip("-n", name, "addr", "add", f"{THERE}/24", "dev", theirs)
        ip("-n", name, "link", "set", theirs, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


@pytest.fixture
def stack(elsewhere: str, transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, partial(WithTLS, host=HERE))
    stack.environment["ALLOWED_HOSTS"] = HERE
    with started(stack):
        yield stack


class Proxy:
    """The ingress before the dashboard: TLS at the address that other hosts reach."""

    def __init__(self, bus: WithTLS, port: int) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        folder = bus.nodes["one"].directory / "tls"
        self.context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        self.behind, self.port = port, free_port()
        self.loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, HERE, self.port, ssl=self.context), self.loop
        ).result(LIMIT_SECONDS)
        try:
            yield f"https://{HERE}:{self.port}"
        finally:
            self.loop.call_soon_threadsafe(server.close)
            asyncio.run_coroutine_threadsafe(_ended(), self.loop).result(LIMIT_SECONDS)
            self.loop.call_soon_threadsafe(self.loop.stop)
            thread.join(LIMIT_SECONDS)
            self.loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self.behind)
            await asyncio.gather(_passed(reader, back), _passed(there, writer))


async def _passed(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


async def _ended() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Host:
    """What systemd does with the unit there: its lines, with this checkout and a file of settings of ours."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.file = directory / "agent.env"
        self.log = directory / "agent.log"

    def start(self, **settings: object) -> subprocess.Popen[bytes]:
        """As the unit starts it, with these lines in its file of settings."""
        assert lines("EnvironmentFile") == ["/etc/galley/agent.env"]
        self.file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        given = dict(
            line.split("=", 1) for line in [*lines("Environment"), *self.file.read_text().splitlines()]
        )
        [command] = lines("ExecStart")
        program = command.replace("/opt/seatrial/.venv/bin", str(Path(sys.executable).parent))
        with self.log.open("wb") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *program.split()],
                env={"PATH": os.environ["PATH"], "HOME": str(self.file.parent), **given},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def refused(self, **settings: object) -> str:
        process = self.start(**settings)
        try:
            assert process.wait(LIMIT_SECONDS) == 2
        finally:
            process.kill()
            process.wait()
        return self.log.read_text()


def test_an_agent_of_another_host_joins_over_tls_and_says_nothing_without_it(
    stack: Stack, elsewhere: str, tmp_path: Path
) -> None:
    bus = stack.nats
    assert isinstance(bus, WithTLS)
    host = Host(elsewhere, tmp_path)
    admin = {"Authorization": f"Bearer {issue(factories.user(is_superuser=True), 'x', by=Actor.person('t'))}"}
    made = httpx.post(
        f"{stack.url}/api/v1/agents", json={"name": "two"}, headers=admin, timeout=LIMIT_SECONDS, **PLAIN
    ).json()
    plain = f"http://{HERE}:{stack.port}"
    with Proxy(bus, stack.port).serving() as site:
        common = {
            "GALLEY_AGENT_TOKEN": made["token"],
            "GALLEY_DATA_DIR": tmp_path / "agent",
            "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
            "GITGRIT_CUSTOM_CA_FILE_PATH": bus.authorities,
        }
        said = host.refused(**common, GALLEY_CONTROL_PLANE_URL=plain, GALLEY_NATS_URL=bus.url)
        assert "GALLEY_CONTROL_PLANE_URL: " in said and "the bootstrap token could be read" in said
        ours = {**common, "GALLEY_CONTROL_PLANE_URL": site}
        said = host.refused(**ours, GALLEY_NATS_URL=bus.url.replace("tls://", "nats://"))
        assert "GALLEY_NATS_URL: " in said and "Write tls://" in said
        assert made["token"] not in said
        assert not Agent.objects.filter(state="online").exists()
        # The credential is there by now, and the token is not needed any more.
        process = host.start(**{**ours, "GALLEY_NATS_URL": bus.url})
        try:
            eventually(Agent.objects.filter(name="two", state="online").exists, what="it is online")
        finally:
            process.terminate()
            assert process.wait(LIMIT_SECONDS) == 0, "what systemd sends ends it"
        stranger = {**ours, "GALLEY_NATS_URL": bus.url, "GALLEY_DATA_DIR": tmp_path / "other"}
        del stranger["GITGRIT_CUSTOM_CA_FILE_PATH"]
        process = host.start(**stranger)
        try:
            eventually(lambda: "CERTIFICATE_VERIFY_FAILED" in host.log.read_text())
        finally:
            process.terminate()
            process.wait(LIMIT_SECONDS)


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    program = find("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text().replace("/opt/seatrial/.venv/bin", str(Path(sys.executable).parent))
    units = {
        UNIT.name: text,
        "docker.service": "[Service]\nExecStart=/bin/true\n",  # where the engine is installed, it has one
    }
    for name, content in units.items():
        (tmp_path / name).write_text(content)
    done = subprocess.run(
        [program, "verify", "--recursive-errors=no", str(tmp_path / UNIT.name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    about = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert about == []
    assert lines("Restart") == ["always"] and lines("EnvironmentFile")
