"""What has to work on this server and on its agents' hosts: read from what is there."""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from seatrial.control.accounts.admission.roles import nowhere
from seatrial.control.accounts.providers.configured import incomplete, usable
from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.sentences import sentence
from seatrial.control.fleet.absence import why_away
from seatrial.control.fleet.hosts import MOST_SKEW_SECONDS, PRESENT, host_lines, other_warnings, skew
from seatrial.control.fleet.models import Agent
from seatrial.control.status.check import About, Check
from seatrial.control.status.missing import missing
from seatrial.control.status.nodes import failing
from seatrial.environ.shapes import is_here
from seatrial.wire.states import AgentState, Isolation
from seatrial.wire.words import HostMatter

REREAD_SECONDS = 10.0


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
        yield Check(About.CERTIFICATE, said.well, said.text, said.fix, said.grave, row.name)


def of_agents(agents: list[Agent]) -> Iterator[Check]:
    """The hosts of agents, as their heartbeats say."""
    yield from _isolation(agents)
    yield from _clocks(agents)


def _programs(agents: list[Agent]) -> Iterator[Check]:
    yield Check(About.DATABASE, True, "The database answers")
    waits_for, _ = missing()
    if waits_for:
        yield Check(
            About.MESSAGES, False, f"Seatrial waits for {waits_for}", "Look at the logs of that process"
        )
    elif any(agent.state in PRESENT for agent in agents):
        # A heartbeat comes through both
        yield Check(About.MESSAGES, True, "Worker and bus carry messages")
    for said in failing():
        yield Check(About.BUS, False, said, grave=False)
    for agent in agents:
        yield _presence(agent)
    if not agents:
        yield Check(
            About.AGENT,
            False,
            "No agent has joined",
            "Start galley-agent on a Docker host, with a bootstrap token as GALLEY_AGENT_TOKEN; its log says what is in the way",
        )


def _presence(agent: Agent) -> Check:
    if agent.state in PRESENT:
        word = "online" if agent.state == AgentState.ONLINE else "draining"
        return Check(About.AGENT, True, f"Agent {agent.name} is {word}", subject=agent.pk)
    said = "; ".join(other_warnings(agent))
    return Check(
        About.AGENT,
        False,
        f"Agent {agent.name} is offline" + (f" (it had warned: {said})" if said else ""),
        f"{why_away(agent)}. If its host is gone for good, revoke the agent",
        subject=agent.pk,
    )


def _isolation(agents: list[Agent]) -> Iterator[Check]:
    for agent in agents:
        beat = agent.heartbeat if agent.state in PRESENT else {}
        if beat:
            yield from _sandbox(agent, beat)
        for line in host_lines(agent):
            told = line.about == HostMatter.GVISOR and beat.get("sandbox") == Isolation.CONTAINER
            if not told and line.about != HostMatter.CLOCK:
                about = About.RELEASE if line.about == HostMatter.RELEASE else About.HOST
                yield Check(about, line.well, f"{agent.name}: {line.text}", line.fix, line.grave, agent.pk)
        for warning in other_warnings(agent) if beat else ():
            yield Check(About.HOST, False, f"{agent.name}: {warning}", grave=False, subject=agent.pk)


def _sandbox(agent: Agent, beat: dict[str, Any]) -> Iterator[Check]:
    python = f", with Python {beat['python']}" if beat.get("python") else ""
    if problem := beat.get("sandbox_problem"):
        text = f"No policy can run on {agent.name}: {problem}"
        yield Check(About.SANDBOX, False, text, "Mend that on its host", subject=agent.pk)
    elif beat.get("sandbox") == Isolation.GVISOR:
        text = f"Policies on {agent.name} run in gVisor{python}"
        yield Check(About.SANDBOX, True, text, subject=agent.pk)
    elif beat.get("sandbox") == Isolation.CONTAINER:
        yield Check(
            About.SANDBOX,
            False,
            f"Policies on {agent.name} share its host's kernel, because gVisor is not registered with its engine",
            "Install it there: sudo runsc install && sudo systemctl restart docker",
            grave=False,
            subject=agent.pk,
        )
    elif beat.get("sandbox"):
        yield Check(
            About.SANDBOX,
            False,
            f"Policies on {agent.name} run without isolation ({beat['sandbox']}): for trying out only",
            "Run its agent on a Docker host with gVisor",
            grave=False,
            subject=agent.pk,
        )


def _address() -> Iterator[Check]:
    site = settings.SITE_URL
    if site.startswith("https://"):
        yield Check(About.ADDRESS, True, f"{site} has TLS")
    elif is_here(site):
        yield Check(
            About.ADDRESS,
            True,
            f"{site} is for this machine alone; for others, put a proxy with TLS before it and set SITE_URL",
        )
    else:
        yield Check(
            About.ADDRESS,
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
            About.AUTHORITIES,
            False,
            f"GITGRIT_CUSTOM_CA_FILE_PATH: {problem}",
            "Put the right file there, and start Seatrial again",
        )
    else:
        yield Check(About.AUTHORITIES, True, f"The authorities in {path} are trusted")


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
                About.CLOCK,
                False,
                f"The clocks of {agent.name} and of this server are {apart:.0f} seconds apart",
                "Let both follow NTP: a clock that is off breaks TLS",
                subject=agent.pk,
            )
    if beats and all(abs(skew(agent) or 0) <= MOST_SKEW_SECONDS for agent in beats):
        yield Check(About.CLOCK, True, "The clocks of this server and its agents agree")


def _sign_in() -> Iterator[Check]:
    for text in (*incomplete(), *nowhere()):
        yield Check(About.SIGN_IN, False, text, grave=False)
    for one in usable():
        text = f"{one.name} signs people in, if its application there names the redirect URI {one.callback}"
        yield Check(About.SIGN_IN, True, text)
