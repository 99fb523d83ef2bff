"""Asks every agent that is online about its host."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import nats.errors

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.fleet.errors import NoSurvey
from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.surveys import survey
from seatrial.wire.hosts import AskHost, HostReport
from seatrial.wire.states import AgentState

JOINING_SECONDS = 60.0
LOOK_SECONDS = 0.5
AWAY = (nats.errors.Error, OSError)


@dataclass(frozen=True)
class Known:
    """An agent, as the database knows it."""

    id: str
    name: str
    release: str


@dataclass(frozen=True)
class Surveyed:
    """Its survey, or why there is none. `ours`: our clock when it came, just after the agent's `at`."""

    agent: Known
    report: HostReport | None = None
    problem: str = ""
    ours: datetime | None = None


def online() -> list[Known]:
    """The agents that are online, also those that take nothing new. Raises django.db.Error."""
    rows = Agent.objects.filter(state__in=[AgentState.ONLINE, AgentState.DRAINING]).order_by("name")
    return [Known(str(row.pk), row.name, row.release) for row in rows]


def awaited() -> list[Known]:
    """The agents that are online. While there is none, waits for the first for JOINING_SECONDS: just after the start of a stack, its
    agent is still joining. Raises django.db.Error."""
    until = time.monotonic() + JOINING_SECONDS
    while not (known := online()) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return known


def surveyed(configuration: Configuration, agents: Sequence[Known], asked: AskHost) -> list[Surveyed]:
    """All of them, asked at the same time. Raises AWAY when the bus does not answer."""
    return asyncio.run(_surveyed(configuration, agents, asked))


async def _surveyed(configuration: Configuration, agents: Sequence[Known], asked: AskHost) -> list[Surveyed]:
    bus = await Bus.connect(configuration, name="airgap_smoketest", wait=False)
    try:
        return list(await asyncio.gather(*(_one(bus, agent, asked) for agent in agents)))
    finally:
        await bus.close()


async def _one(bus: Bus, agent: Known, asked: AskHost) -> Surveyed:
    try:
        report = await survey(bus, agent.id, asked)
    except NoSurvey as error:
        return Surveyed(agent, problem=str(error))
    return Surveyed(agent, report, ours=datetime.now(UTC))
