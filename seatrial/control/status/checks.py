"""What has to work, one line each, for the set-up and the health page: read from what is there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from seatrial.control.accounts.providers.configured import incomplete
from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.sentences import sentence
from seatrial.control.fleet.hosts import MOST_SKEW_SECONDS, PRESENT, host_lines, other_warnings, skew
from seatrial.control.fleet.models import Agent
from seatrial.control.status.missing import missing
from seatrial.control.status.nodes import failing
from seatrial.environ.shapes import is_here
from seatrial.wire.states import Isolation
from seatrial.wire.words import HostMatter

REREAD_SECONDS = 10.0


@dataclass(frozen=True)
class Check:
    """One line. What is not `well` has its fix; if it is `grave`, something does not work."""

    well: bool
    text: str
    fix: str = ""
    grave: bool = True


def of_server(agents: list[Agent]) -> Iterator[Check]:
    """The control plane. `agents`: those that are not revoked."""
    yield from _programs(agents)
    yield from _address()
    yield from _authorities()
    yield from _sign_in()


def of_certificates() -> Iterator[Check]:
    """What the ingress serves; nothing where it serves none."""
    for row in Served.objects.order_by("name"):
        said = sentence(row, timezone.now())
        yield Check(said.well, said.text, said.fix, said.grave)


def of_agents(agents: list[Agent]) -> Iterator[Check]:
    """The hosts of agents, as their heartbeats say."""
    yield from _isolation(agents)
    yield from _clocks(agents)


def _programs(agents: list[Agent]) -> Iterator[Check]:
    yield Check(True, "The database answers")
    online = [agent.name for agent in agents if agent.state in PRESENT]
    waits_for, _ = missing()
    if waits_for:
        yield Check(False, f"Seatrial waits for {waits_for}", "Look at the logs of that process")
    elif online:
        yield Check(True, "Worker and bus carry messages")  # a heartbeat comes through both
    for said in failing():
        yield Check(False, said, grave=False)
    if online:
        yield Check(True, f"Agent {', '.join(online)} is online")
    elif agents:
        names = ", ".join(agent.name for agent in agents)
        yield Check(
            False,
            f"Agent {names} is offline",
            "Look at its log: its program, the bus, or the network is away",
        )
    else:
        yield Check(
            False,
            "No agent has joined",
            "Start galley-agent on a Docker host, with a bootstrap token as GALLEY_AGENT_TOKEN; its log says what is in the way",
        )


def _isolation(agents: list[Agent]) -> Iterator[Check]:
    for agent in agents:
        beat = agent.heartbeat if agent.state in PRESENT else {}
        if problem := beat.get("sandbox_problem"):
            yield Check(False, f"No policy can run on {agent.name}: {problem}", "Mend that on its host")
        elif beat.get("sandbox") == Isolation.GVISOR:
            python = f", with Python {beat['python']}" if beat.get("python") else ""
            yield Check(True, f"Policies on {agent.name} run in gVisor{python}")
        elif beat.get("sandbox"):
            yield Check(
                False,
                f"Policies on {agent.name} share its host's kernel, because gVisor is not registered with its engine",
                "Install it there: sudo runsc install && sudo systemctl restart docker",
                grave=False,
            )
        for line in host_lines(agent):
            told = line.about == HostMatter.GVISOR and beat.get("sandbox") == Isolation.CONTAINER
            if not told and line.about != HostMatter.CLOCK:
                fix = " && ".join(line.fix.splitlines())  # commands, of which each needs the one before
                yield Check(line.well, f"{agent.name}: {line.text}", fix, line.grave)
        for warning in other_warnings(agent) if beat else ():
            yield Check(False, f"{agent.name}: {warning}", grave=False)


def _address() -> Iterator[Check]:
    site = settings.SITE_URL
    if site.startswith("https://"):
        yield Check(True, f"{site} has TLS")
    elif is_here(site):
        yield Check(
            True,
            f"{site} is for this machine alone; for others, put a proxy with TLS before it and set SITE_URL",
        )
    else:
        yield Check(
            False,
            f"{site} has no TLS: passwords and webhooks can be read on their way",
            "Put a proxy with TLS before it, and set SITE_URL to its address",
            grave=False,
        )


def _authorities() -> Iterator[Check]:
    path = settings.CONFIGURATION.authorities
    if path is None:
        return
    if problem := _unreadable(path, int(time.monotonic() / REREAD_SECONDS)):
        yield Check(
            False,
            f"GITGRIT_CUSTOM_CA_FILE_PATH: {problem}",
            "Put the right file there, and start Seatrial again",
        )
    else:
        yield Check(True, f"The authorities in {path} are trusted")


@lru_cache(maxsize=1)
def _unreadable(path: Path, _: int) -> str:
    """Why nobody can be trusted by this file; empty if it can be read. Read anew now and then: watchers ask every second."""
    try:
        trusting(path)
    except UnfitAuthorities as error:
        return str(error)
    return ""


def _clocks(agents: list[Agent]) -> Iterator[Check]:
    beats = [agent for agent in agents if agent.state in PRESENT and agent.last_heartbeat_at is not None]
    for agent in beats:
        apart = abs(skew(agent) or 0)
        if apart > MOST_SKEW_SECONDS:
            yield Check(
                False,
                f"The clocks of {agent.name} and of this server are {apart:.0f} seconds apart",
                "Let both follow NTP: a clock that is off breaks TLS",
            )
    if beats and all(abs(skew(agent) or 0) <= MOST_SKEW_SECONDS for agent in beats):
        yield Check(True, "The clocks of this server and its agents agree")


def _sign_in() -> Iterator[Check]:
    for text in incomplete():
        yield Check(False, text, grave=False)
