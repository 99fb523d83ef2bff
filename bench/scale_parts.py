"""The platform of `bench.scale`: its real programs as processes of their own, and one process of agents that run nothing."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench import scale_rows as rows
from bench.routes import Ingress
from bench.timing import wait_until
from tests.bus.servers import NatsServer, free_port
from tests.engines import require

PLAIN: dict[str, Any] = {"trust_env": False, "verify": False, "timeout": 60}


class Parts:
    """Web, worker, bus, ingress, agents. `settings` is the environment of our own programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bus").mkdir(parents=True)
        self.bus = NatsServer(require("nats"), folder / "bus")
        self.ingress = Ingress(folder / "ingress")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "SITE_URL": self.url,
            "APP_PORT": str(self.port),
            "DB_POOL_SIZE": "6",
            "GALLEY_NATS_URL": self.bus.url,
            "GALLEY_NATS_CREDENTIALS": str(self.bus.identity.control_credentials),
            "GALLEY_NATS_SIGNING_SEED": str(self.bus.identity.signing_seed),
            "GALLEY_PREVIEW_PORT": str(self.ingress.web),
            "GALLEY_ROUTES_FILE": str(self.ingress.file),
            "GALLEY_INGRESS_VISITS": str(folder / "ingress" / "visits"),
            "GALLEY_TRAEFIK_API_URL": self.ingress.url,
            "GALLEY_DRAIN_SECONDS": "1",
        }
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self.agents: list[str] = []

    def start(self, agents: int) -> None:
        """Start all of them, and wait until the agents are online."""
        self.bus.start()
        self._start("web", "seatrial.control.web", "--port", str(self.port))
        self._start("worker", "seatrial.control.worker")
        wait_until(self._answers)
        self._start("agents", "bench.scale_agents", self.url, self.bus.url, str(self.folder))
        for number in range(agents):
            self.join(f"agent-{number}")
        wait_until(lambda: rows.online() == agents)

    def join(self, name: str) -> None:
        """One more agent registers."""
        process = self._processes["agents"]
        assert process.stdin and process.stdout
        process.stdin.write(rows.token(name) + "\n")
        process.stdin.flush()
        self.agents.append(process.stdout.readline().strip())

    def cpu(self) -> Mapping[str, float]:
        """Seconds of processor that each part has used so far."""
        return {name: sum(one.cpu_times()[:2]) for name, one in self._measured().items()}

    def memory(self) -> Mapping[str, float]:
        """Megabytes of memory of each part."""
        return {name: one.memory_info().rss / 2**20 for name, one in self._measured().items()}

    def _measured(self) -> dict[str, psutil.Process]:
        assert self.bus.process
        pids = {name: process.pid for name, process in self._processes.items()}
        pids |= {"bus": self.bus.process.pid, "ingress": self.ingress.process.pid}
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def stop(self) -> None:
        """Stop all of them."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait()
        self.bus.kill()
        self.ingress.stop()

    def _start(self, name: str, module: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **self.settings},
                stdin=subprocess.PIPE if name == "agents" else subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "agents" else log,
                stderr=log,
                text=True,
            )

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", **PLAIN).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
