"""The containers, by Compose: brought up step by step, in words, and taken down."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.composed.place import PROJECT, Place
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.embedded.typed import shown

PATIENCE_SECONDS = 600.0  # on a machine that is busy with other things
LOOK_SECONDS = 1.0
# What each service is in words, in the order in which they come up.
SERVICES = {
    "galley-setup": "keys of server and bus",
    "postgres": "database",
    "bus": "bus",
    "galley-engine-proxy": "proxy of the engine",
    "galley-certificate": "certificate",
    "traefik": "ingress",
    "galley-server": "server",
    "galley-worker": "worker",
    "galley-agent": "agent",
}
ENDED_WELL = "exited (0)"
READY = {"healthy", ENDED_WELL}
WITHOUT_HEALTH = {"galley-certificate"}  # it runs, and nobody asks it anything
ON_THEIR_WAY = {"created", "starting", "unhealthy", "running"}


@dataclass(frozen=True)
class Stack:
    """Compose's project in the folder `place.install`, which names everything else in .env."""

    place: Place

    def compose(self, *arguments: str, timeout: float = PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """`docker compose ARGUMENTS`, to its end, whatever that is."""
        return subprocess.run(
            self._command(*arguments),
            cwd=self.place.install,
            env=environment(os.environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def up(self, phases: Phases) -> None:
        """Everything running and healthy. Raises CommandError with the last words of what is not.

        Compose gives up when something is unhealthy for a moment, as on a machine that is busy; it is then asked again.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._came_up(phases, deadline):
            time.sleep(LOOK_SECONDS)

    def _came_up(self, phases: Phases, deadline: float) -> bool:
        """One `up`. False if it may help to ask again."""
        with self._starting() as (starting, log):
            while True:
                code = starting.poll()  # before looking: what it has ended with is then seen
                states = self.states()
                for service, words in SERVICES.items():
                    phases.begin(words)
                    if ready(service, states.get(service)):
                        phases.end(words)
                missing = [one for one in SERVICES if not ready(one, states.get(one))]
                if code == 0 and not missing:
                    return True
                if time.monotonic() > deadline:
                    raise CommandError(
                        f"not ready within {PATIENCE_SECONDS:.0f} s: {', '.join(missing)}.",
                        fix=self._why(missing),
                    )
                if code:
                    if may_come(states[one] for one in missing if one in states):
                        return False
                    words = "\n".join(log.read_text().splitlines()[-6:])
                    raise CommandError(
                        f"Compose could not start everything:\n{words}", fix=self._why(missing)
                    )
                time.sleep(LOOK_SECONDS)

    @contextmanager
    def _starting(self) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
        log = self.place.root / "compose.log"
        with log.open("wb") as stream:
            starting = subprocess.Popen(
                self._command("up", "--detach", "--remove-orphans"),
                cwd=self.place.install,
                env=environment(os.environ),
                stdout=stream,
                stderr=stream,
            )
        try:
            yield starting, log
        finally:
            if starting.poll() is None:  # Ctrl-C has reached it, too: it ends by itself
                starting.terminate()
            starting.wait()

    def states(self) -> dict[str, str]:
        """What Compose says of each service: its health, or its state where it has none."""
        listed = self.compose("ps", "--all", "--format", "json").stdout.splitlines()
        rows = [json.loads(line) for line in listed if line.startswith("{")]
        return {
            row["Service"]: row["Health"]
            or (f"exited ({row['ExitCode']})" if row["State"] == "exited" else row["State"])
            for row in rows
        }

    def gateway(self) -> str:
        """The address at which this machine is reached from the containers' network. Raises CommandError."""
        command = ["docker", "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
        network = f"{self.place.values[PROJECT]}_control"
        done = subprocess.run([*command, network], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(
                f"the network {network} is not there: {done.stderr.strip()}", fix=self.typed("ps", "--all")
            )
        return done.stdout.strip()

    def down(self) -> None:
        """Remove containers, networks and volumes. Raises CommandError."""
        if not self.place.env.exists():
            return
        done = self.compose("down", "--volumes", "--remove-orphans", "--timeout", "20")
        if done.returncode:
            raise CommandError(f"Compose could not remove everything: {done.stderr.strip()}", fix="Try again")

    def typed(self, *words: str) -> str:
        """The command as a person can paste it, from where they are."""
        return shlex.join(
            [shown(Path(self._program())), "--project-directory", str(self.place.install), *words]
        )

    def _why(self, services: list[str]) -> str:
        logs = [self.compose("logs", "--tail", "5", "--no-color", one).stdout.strip() for one in services[:2]]
        again = "It may be run again: make demo-compose. All words: " + self.typed("logs")
        return "\n".join([*(one for one in logs if one), again])

    def _command(self, *arguments: str) -> list[str]:
        return [self._program(), "--project-directory", str(self.place.install), *arguments]

    def _program(self) -> str:
        """The Compose of our packages: the engine of a distribution often comes without one."""
        return str(Path(sys.executable).parent / "docker-compose")


def ready(service: str, state: str | None) -> bool:
    """Whether the service does what it is for."""
    return state in READY or (service in WITHOUT_HEALTH and state == "running")


def may_come(states: Iterable[str]) -> bool:
    """Whether all that is missing is still on its way, and something is."""
    known = list(states)
    return bool(known) and set(known) <= ON_THEIR_WAY


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What Compose gets of a person's shell: a TAG or SITE_URL in it would count more than .env."""
    return {name: environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in environ}
