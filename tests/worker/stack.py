"""Web, worker, bus and Traefik as real processes on a real database, and a scripted agent on the bus."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
from django.db import connection

from seatrial.embedded.components.ingress import VISITS
from seatrial.wire.ending import ended
from tests.bus.cluster import Cluster
from tests.bus.servers import NatsServer, free_port
from tests.engines import require
from tests.waiting import LIMIT_SECONDS, eventually
from tests.worker.forked import Forked

T = TypeVar("T")
DOMAIN = "preview.localhost"
# Without authorities: httpx reads them all for each request, which takes twenty times as long as a plain one.
PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}


class Backend:
    """A container's stand-in: answers every request with its text."""

    def __init__(self, text: str) -> None:
        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Traefik:
    def __init__(self, directory: Path, ports: tuple[int, int] | None = None) -> None:
        self.directory = directory
        self.web, self.api = ports or (free_port(), free_port())
        self.routes = directory / "routes" / "routes.yml"
        self.routes.parent.mkdir(parents=True)
        self.process: subprocess.Popen[bytes] | None = None
        (directory / "traefik.yml").write_text(
            "global: {checkNewVersion: false, sendAnonymousUsage: false}\n"
            "entryPoints:\n"
            f'  web: {{address: "127.0.0.1:{self.web}"}}\n'
            f'  traefik: {{address: "127.0.0.1:{self.api}"}}\n'
            "providers:\n"
            "  providersThrottleDuration: 100ms\n"
            f"  file: {{directory: {self.routes.parent}, watch: true}}\n"
            "api: {dashboard: false, insecure: true}\n"
            "log: {level: INFO}\n"
            f"accessLog: {json.dumps(VISITS | {'filePath': str(directory / 'visits')})}\n"
        )

    def start(self) -> None:
        command = [require("traefik"), f"--configFile={self.directory}/traefik.yml"]
        with (self.directory / "traefik.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def get(self, label: str, path: str = "/") -> httpx.Response:
        url = f"http://127.0.0.1:{self.web}{path}"
        return httpx.get(url, headers={"Host": f"{label}.{DOMAIN}"}, timeout=LIMIT_SECONDS, **PLAIN)


@functools.cache
def ports() -> list[int]:
    """Of web, bus and Traefik: the same for all stacks of this process, one after the other, as `tests.worker.forked` needs it."""
    return [free_port() for _ in range(5)]


def one_server(program: str, directory: Path) -> NatsServer:
    """A bus of one node."""
    return NatsServer(program, directory, (ports()[1], ports()[2]))


class Stack:
    """Everything but the agent. `worker` may be killed and started again at any moment."""

    def __init__(
        self, directory: Path, bus: Callable[[str, Path], NatsServer | Cluster] = one_server
    ) -> None:
        self.directory = directory
        (directory / "bus").mkdir()
        self.place = directory.parent / "stack"  # the same path for all stacks of this process
        self.place.unlink(missing_ok=True)
        self.place.symlink_to(directory)
        self.nats = bus(require("nats"), directory / "bus")
        self.traefik = Traefik(directory, (ports()[3], ports()[4]))
        self.port = ports()[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, Forked] = {}
        self.environment = {**os.environ, **self._settings()}

    def _settings(self) -> dict[str, str]:
        return {
            "DB_NAME": str(connection.settings_dict["NAME"]),
            "DB_POOL_SIZE": "6",
            "SITE_URL": self.url,
            "APP_PORT": str(self.port),
            "GALLEY_NATS_URL": self.nats.url,
            "GALLEY_NATS_CREDENTIALS": self._by_place(self.nats.identity.control_credentials),
            "GALLEY_NATS_SIGNING_SEED": self._by_place(self.nats.identity.signing_seed),
            "GALLEY_PREVIEW_PORT": str(self.traefik.web),
            "GALLEY_ROUTES_FILE": self._by_place(self.traefik.routes),
            "GALLEY_TRAEFIK_API_URL": f"http://127.0.0.1:{self.traefik.api}",
            "GALLEY_DRAIN_SECONDS": "1",
            **self.nats.settings,
        }

    def _by_place(self, path: Path) -> str:
        return str(self.place / path.relative_to(self.directory))

    def start(self) -> None:
        self.nats.start()
        self.traefik.start()
        self.start_web()
        self.start_worker()

    def start_web(self, *, seconds: float = LIMIT_SECONDS) -> None:
        self._start("web", "seatrial.control.web", "--port", str(self.port))
        eventually(self._answers, seconds=seconds, what="the web process answers")

    def start_worker(self, name: str = "worker") -> None:
        self._start(name, "seatrial.control.worker")

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def pause(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
            process.send_signal(signal.SIGCONT)
        stuck = [name for name, process in self.processes.items() if not self._ends(process)]
        self.traefik.kill()
        self.nats.kill()
        assert not stuck, f"did not stop: {[(name, self.log(name)) for name in stuck]}"

    def _ends(self, process: Forked) -> bool:
        try:
            process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True

    def log(self, name: str) -> str:
        log = self.directory / f"{name}.log"
        return log.read_text() if log.exists() else ""

    def _start(self, name: str, module: str, *arguments: str) -> None:
        log = self.directory / f"{name}.log"
        self.processes[name] = Forked(module, *arguments, environment=self.environment, log=log)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz", timeout=LIMIT_SECONDS, **PLAIN).status_code == 200
        return False


class InBackground:
    """An event loop in a thread, for what must go on while the test waits."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Any, seconds: float = LIMIT_SECONDS) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def stop(self) -> None:
        self.run(self._ended())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(LIMIT_SECONDS)
        self.loop.close()

    async def _ended(self) -> None:
        """The bus's client cancels tasks of its own when it is closed, and does not wait for them."""
        await ended(*asyncio.all_tasks() - {asyncio.current_task()}, again_seconds=1)  # type: ignore[arg-type]


@contextlib.contextmanager
def started(stack: Stack) -> Iterator[Stack]:
    """Up until the end, when the ends of its logs are printed: pytest shows them if the test failed."""
    try:
        stack.start()
        yield stack
    finally:
        try:
            stack.stop()
        finally:
            sys.stdout.write(stack.log("worker")[-6000:] + stack.log("web")[-3000:])
