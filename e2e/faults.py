"""What is killed at which moment of a deployment, drawn from a seed; a visitor meanwhile; and what may be left afterwards."""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import psutil
import psycopg

from e2e.platform import Platform, docker, eventually
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.engine import daemon
from seatrial.wire.states import DeploymentState
from seatrial.wire.words import Phase

VICTIMS = ("agent", "engine", "bus", "web", "worker")
ASKED, LIVE = "asked", "live"  # before the first phase, and after the last one
MOMENTS = (ASKED, Phase.CHECKOUT, Phase.RECIPE, Phase.BUILD, Phase.START, Phase.HEALTH, Phase.SWITCH, LIVE)
LONGEST_DELAY = 0.5  # seconds after the moment has begun
# Others use this machine's engine: it is not killed, and that is printed.
SPARED = os.environ.get("SEATRIAL_SPARE_ENGINE") == "1"


@dataclass(frozen=True)
class Fault:
    """One process dies, so long after a moment of a deployment has begun."""

    victim: str
    moment: str
    delay: float

    def __str__(self) -> str:
        return f"{self.victim} dies {self.delay:.2f} s after {self.moment} began"

    @property
    def ends_containers(self) -> bool:
        """Whether containers end, too: an engine that starts again after a kill starts them again."""
        return self.victim == "engine"

    @classmethod
    def drawn(cls, chance: random.Random) -> "Fault":
        """The next one of this seed."""
        return cls(chance.choice(VICTIMS), chance.choice(MOMENTS), chance.random() * LONGEST_DELAY)

    def happen(self, platform: Platform) -> None:
        """Kill it, if it lives. An engine that is not ours to kill is spared, and that is printed."""
        if self.victim != "engine":
            with suppress(psutil.Error, FileNotFoundError):
                platform.process(self.victim).kill()
            return
        if SPARED or os.geteuid() != 0 or not daemon.is_ours():
            sys.stdout.write("fault: the engine is spared, which is not ours to kill\n")
            return
        dockerd = int((daemon.RUN / "docker.pid").read_text())
        os.kill(dockerd, signal.SIGKILL)


def wait_for(platform: Platform, commit: str, moment: str) -> None:
    """Until the moment of the commit's deployment has begun; not longer than until it is over."""

    def begun() -> bool:
        newest = [one["deployment"] for one in platform.api("/environments") if one["deployment"]]
        ours = [one for one in newest if one["commit"] == commit]
        over = any(DeploymentState(one["state"]).terminal for one in ours)
        phases = {phase["name"].split()[0] for one in ours for phase in one["phases"]}
        return over or moment in phases

    if moment != ASKED:
        eventually(begun, what=f"{moment} has begun")


@dataclass
class Visitor:
    """Asks for a page all the time, and notes every answer that is not one of `texts`."""

    platform: Platform
    url: str
    texts: set[str]
    failed: list[str] = field(default_factory=list)
    asked: int = 0

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """While the block runs."""
        over = threading.Event()
        thread = threading.Thread(target=self._visit, args=(over,), name="visitor")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _visit(self, over: threading.Event) -> None:
        url = httpx.URL(self.url)
        headers = {"Host": f"{url.host}:{url.port}", "Connection": "close"}
        with httpx.Client(headers=headers, timeout=60, trust_env=False, verify=False) as client:
            while not over.wait(0.05):
                self.asked += 1
                began = time.strftime("%X")
                try:
                    answer = client.get(url.copy_with(host="127.0.0.1"))
                except httpx.HTTPError as error:
                    self.failed.append(f"{began} {error!r}")
                else:
                    if answer.status_code != 200 or answer.text not in self.texts:
                        self.failed.append(f"{began} {answer.status_code} {answer.text[:80]}")


def unfinished(platform: Platform) -> list[str]:
    """Deployments that are under way although nothing is to happen, and more than one that is live in one environment."""
    reach = from_wheel(platform.directory / "postgres").environment()
    with psycopg.connect(
        host=reach["DB_HOST"], port=reach["DB_PORT"], dbname=reach["DB_NAME"], user=reach["DB_USER"]
    ) as connection:
        rows = connection.execute(
            "SELECT environment_id, state, count(*) FROM previews_deployment GROUP BY 1, 2"
        ).fetchall()
    return [
        f"{count} {state} in {environment}"
        for environment, state, count in rows
        if not DeploymentState(state).terminal or (state == DeploymentState.LIVE and count > 1)
    ]


def orphans(agent: str, deployment: str) -> dict[str, list[str]]:
    """Containers and networks of the agent's previews that do not belong to the deployment."""
    everything = ["--filter", f"label=galley.agent={agent}", "--filter", "label=galley.deployment"]
    ours = ["--filter", f"label=galley.deployment={deployment}"]
    found = {
        "containers": set(docker("ps", "-aq", *everything)) - set(docker("ps", "-aq", *ours)),
        "networks": set(docker("network", "ls", "-q", *everything))
        - set(docker("network", "ls", "-q", *ours)),
    }
    return {kind: sorted(ids) for kind, ids in found.items() if ids}


def routed(platform: Platform, name: str) -> bool:
    """Whether the ingress has a route to the preview."""
    return name in (platform.directory / "traefik/routes/routes.yml").read_text()
