"""Agents, their hosts and the bus, for Prometheus: of the whole server, for the instance admin."""

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.models import User
from seatrial.control.fleet.hosts import PRESENT, skew
from seatrial.control.fleet.models import Agent
from seatrial.control.nodes import noted
from seatrial.control.status.check import About
from seatrial.control.status.checks_api import every
from seatrial.control.status.gauges import gauge
from seatrial.wire.states import AgentState

# What a heartbeat says in numbers, and what that is.
SAID = {
    "environments": ("agent_previews", "Previews on its host."),
    "builds": ("agent_builds", "Builds that run there."),
    "builds_at_once": ("agent_builds_most", "How many may run there at once."),
    "sandboxes_warm": ("agent_sandboxes_warm", "Sandboxes that wait for an evaluation."),
    "sandboxes_used": ("agent_sandboxes_used", "Sandboxes in which policies run."),
    "disk_free_mb": ("agent_disk_free_megabytes", "Free space on the disk of its data directory."),
}


class Hosts(Collector):
    """Nothing for anybody but the instance admin."""

    def __init__(self, user: User) -> None:
        self._allowed = allowed(user, Action.MANAGE_AGENTS, None)

    def collect(self) -> Iterator[Metric]:
        """What is said of an agent itself is told only while it is online."""
        if not self._allowed:
            return
        agents = list(Agent.objects.exclude(state=AgentState.REVOKED).order_by("name"))
        yield from _agents(agents)
        found = noted()
        yield gauge("bus_nodes_gone", "Nodes of the bus that do not answer.", [((), len(found.gone))])
        yield gauge("bus_streams_halted", "Streams that nothing is stored in.", [((), len(found.halted))])
        yield _checks(agents)


def _agents(agents: list[Agent]) -> Iterator[Metric]:
    counts = Counter(agent.state for agent in agents)
    states = (AgentState.ONLINE, AgentState.DRAINING, AgentState.OFFLINE)
    yield gauge("agents", "Agents in each state.", (((s,), counts[s]) for s in states), labels=("state",))
    now = timezone.now()
    ages = (
        ((one.name,), (now - one.last_heartbeat_at).total_seconds() if one.last_heartbeat_at else None)
        for one in agents
    )
    yield gauge("agent_heartbeat_seconds", "How long ago its last heartbeat came.", ages, labels=("agent",))
    online = [one for one in agents if one.state in PRESENT]
    for key, (name, says) in SAID.items():
        yield gauge(name, says, (((one.name,), _number(one, key)) for one in online), labels=("agent",))
    waiting = (((one.name,), float(len(one.heartbeat.get("build_queue") or []))) for one in online)
    yield gauge("agent_builds_waiting", "Builds that wait for their turn there.", waiting, labels=("agent",))
    skews = (((one.name,), skew(one)) for one in online)
    yield gauge("agent_clock_seconds", "How far its clock is ahead of ours.", skews, labels=("agent",))


def _number(agent: Agent, key: str) -> float | None:
    found = agent.heartbeat.get(key)
    return float(found) if isinstance(found, int | float) else None


def _checks(agents: list[Agent]) -> Metric:
    failing = Counter((one.about, one.grave) for one in every(agents) if not one.well)
    rows = (
        ((about, "yes" if grave else "no"), failing[(about, grave)])
        for about in About
        for grave in (True, False)
    )
    says = "Lines of the page Health that are not well; grave: something does not work because of it."
    return gauge("checks_failing", says, rows, labels=("about", "grave"))
