"""Commands in a container and connections to its port: the real command, web, bus, agent and engine."""

import asyncio
import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.tunnels.answering import Tunnels
from seatrial.agent.tunnels.opening import Opening
from seatrial.agent.vocabulary.containers import ContainerSpec, Resources, RestartPolicy
from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT, ENVIRONMENT, FINGERPRINT, MANAGED, SERVICE
from seatrial.embedded import locking
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered, write
from tests.agent.conftest import SOCKET
from tests.bus.servers import NatsServer
from tests.dashboard.fixtures import bus, busy, served
from tests.waiting import LIMIT_SECONDS

if TYPE_CHECKING:
    from seatrial.control.previews.models import Environment
    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.docker, pytest.mark.nats, pytest.mark.postgres]
__all__ = ["bus", "busy", "served"]


class Ship:
    """An agent with one container, and the command of somebody who may get in."""

    def __init__(
        self, environment: "Environment", identity: Identity, url: str, image: str, data: DataDirectory
    ) -> None:
        self.environment = environment
        self.agent = environment.live.agent_id or ""
        self.container = f"galley-test-{self.agent[-8:].lower()}"
        self._identity, self._url, self._image, self._data = identity, url, image, data
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._failed: list[BaseException] = []
        self._work: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def at_sea(self) -> Iterator["Ship"]:
        thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._main()), daemon=True)
        thread.start()
        try:
            assert self._up.wait(LIMIT_SECONDS) and not self._failed, self._failed
            yield self
        finally:
            self._loop.call_soon_threadsafe(lambda: self._work and self._work.cancel())
            thread.join(LIMIT_SECONDS)
            self._loop.close()

    async def _main(self) -> None:
        runtime = DockerRuntime(Engine(SOCKET))
        self._work = asyncio.create_task(self._sail(runtime))
        try:
            await self._work
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._failed.append(error)
            self._up.set()
        finally:
            await runtime.remove(self.container)
            await runtime.remove_network(self.container)
            await runtime.close()

    async def _sail(self, runtime: DockerRuntime) -> None:
        labels = {MANAGED: "true", AGENT: self.agent, ENVIRONMENT: self.environment.pk, FINGERPRINT: "f1"}
        labels |= {DEPLOYMENT: self.environment.live_id or "", SERVICE: "web"}
        await runtime.ensure_network(self.container, labels)
        spec = ContainerSpec(
            name=self.container,
            image=self._image,
            labels=labels,
            networks={self.container: ["web"]},
            command=["httpd", "-f", "-p", "8080", "-h", "/www"],
            resources=Resources(cpus=0.5, memory_mb=64, pids=50),
            restart=RestartPolicy.NEVER,
        )
        await runtime.start(spec)
        mine = Bus(self._url, self._identity.credentials_file, self.agent)
        tunnels = Tunnels(mine, Opening(runtime, self.agent))
        async with asyncio.TaskGroup() as group:
            group.create_task(mine.run())
            await mine.client()
            group.create_task(tunnels.run())
            self._up.set()

    def begin(self, *words: str, **more: object) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "SEATRIAL_DATA_DIR": str(self._data.root), "NO_COLOR": "1"}
        program = [sys.executable, "-c", "import sys; from seatrial.cli.main import main; sys.exit(main())"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([*program, *words], env=environment, **pipes)  # type: ignore[call-overload, no-any-return]

    def run(self, *words: str, said: bytes = b"") -> tuple[int, bytes, bytes]:
        with self.begin(*words) as process:
            out, errors = process.communicate(said, timeout=LIMIT_SECONDS)
            return process.returncode, out, errors

    def processes(self) -> str:
        looked = ["docker", "exec", self.container, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\000' ' '"]
        return subprocess.run(looked, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def ship(
    bus: NatsServer,
    served: str,
    busy: "Harbour",
    busybox: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ship]:
    from seatrial.control.accounts import tokens
    from seatrial.control.audit.actors import SYSTEM
    from seatrial.control.fleet.agent_tokens import agent_token

    environment = busy.live
    agent = environment.live.agent_id or ""
    data = DataDirectory(tmp_path / "data")
    data.create()
    port = int(served.rsplit(":", 1)[1])
    write(
        data.platform_file,
        Remembered(port=port, ingress_port=1, nats_port=2, traefik_port=3, site_url=served),
    )
    data.token.write_text(tokens.issue(busy.cast.alice, "test", by=SYSTEM))
    identity = Identity.load(tmp_path / "identity")
    token = agent_token(bus.identity.signing_seed.read_bytes().strip(), agent, identity.public_key)
    identity.keep(Credential(agent=agent, name="a", nats_url=bus.url, user_jwt=token))
    with locking.only_one(data), Ship(environment, identity, bus.url, busybox, data).at_sea() as ship:
        yield ship


def test_a_command_and_a_port_are_reached_and_nothing_is_left(ship: Ship, busy: "Harbour") -> None:
    name = ship.environment.name
    sent = os.urandom(700_000)
    code, out, errors = ship.run(
        "exec", name, "-i", "-s", "web", "--", "sh", "-c", "cat; echo oops >&2; exit 7", said=sent
    )
    same = out == sent
    assert (code, errors, len(out), same) == (7, b"oops\n", len(sent), True)
    code, _, errors = ship.run("exec", name, "-s", "db", "--", "true")
    assert code == 2 and b"no service db in this preview. There are: web." in errors
    code, _, errors = ship.run("exec", name, "-s", "web", "--", "nonsense")
    assert code != 0
    _has_a_terminal(ship, name)
    _leaves_nothing(ship, name)
    _forwards(ship, name)
    _is_recorded(ship)


def _has_a_terminal(ship: Ship, name: str) -> None:
    """Keys go there, Ctrl-C too, and the size is known."""
    ours, theirs = pty.openpty()
    process = ship.begin(
        "exec", name, "-it", "-s", "web", "--", "sh", "-c",
        "stty size; trap 'echo stopped; exit 5' INT; echo ready; while :; do sleep 0.05; done",
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    pressed = False
    with contextlib.suppress(OSError):  # its end
        while piece := os.read(ours, 4096):
            said += piece
            if b"ready" in said and not pressed:
                pressed = True
                os.write(ours, b"\x03")
    os.close(ours)
    assert process.wait(LIMIT_SECONDS) == 5 and b"stopped" in said, said
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is None


def _leaves_nothing(ship: Ship, name: str) -> None:
    """Whoever goes away takes the command along, and what it put into the background."""
    script = "(trap '' HUP; sleep 4321) & sleep 1234; true"
    with ship.begin("exec", name, "-s", "web", "--", "sh", "-c", f"{script}") as process:
        _until(lambda: "sleep 4321" in ship.processes() and "sleep 1234" in ship.processes())
        process.send_signal(signal.SIGKILL)
        process.communicate()
    _until(lambda: "sleep" not in ship.processes())


def _forwards(ship: Ship, name: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        local = free.getsockname()[1]
    code, _, errors = ship.run("port-forward", name, "9", "-s", "web")
    assert code == 2 and b"Nothing is reached at port 9 of web" in errors
    with ship.begin("port-forward", name, f"{local}:8080", "-s", "web") as process:
        assert process.stdout and b"Forwarding" in process.stdout.readline()
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", local), timeout=LIMIT_SECONDS) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := connection.recv(4096):
                    answer += piece
                assert answer.endswith(b"ok\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_SECONDS) == 130


def _is_recorded(ship: Ship) -> None:
    from seatrial.control.audit.models import AuditEntry

    def entries() -> list[AuditEntry]:
        return list(AuditEntry.objects.filter(action__startswith="tunnel.").order_by("id"))

    first = entries()[0]
    assert first.target == f"environment/{ship.environment.pk}" and "alice" in first.actor
    assert first.details["command"] == ["sh", "-c", "cat; echo oops >&2; exit 7"]
    _until(lambda: any(row.details.get("exit_code") == 7 for row in entries()))
    _until(lambda: any(row.details.get("outcome") == "closed" for row in entries()))
    assert len([row for row in entries() if row.details.get("port") == 8080]) == 1


def _until(true: object) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "not in time"
        time.sleep(0.2)
