"""What somebody sees of one agent. Everybody who signs in sees the agent, and of its previews those of their workspaces."""

from dataclasses import dataclass

from seatrial.control.accounts.access import find_visible, visible
from seatrial.control.accounts.models import User
from seatrial.control.fleet.absence import why_away
from seatrial.control.fleet.hosts import host_lines, other_warnings
from seatrial.control.fleet.models import Agent
from seatrial.control.moment import one_moment
from seatrial.control.previews.draining import Departure, departures
from seatrial.control.previews.models import Environment
from seatrial.wire.agents import HostLine
from seatrial.wire.states import AgentState
from seatrial.wire.words import DrainStep


@dataclass(frozen=True)
class Resident:
    """One preview on the agent, and what becomes of it when the agent drains. `to`: the name of the agent that it goes to."""

    departure: Departure
    to: str

    @property
    def environment(self) -> Environment:
        """The preview."""
        return self.departure.environment


@dataclass(frozen=True)
class AgentShown:
    """`hidden`: how many previews of other workspaces are on it, of which `hidden_ahead` have yet to move."""

    agent: Agent
    residents: list[Resident]
    hidden: int
    hidden_ahead: int
    lines: list[HostLine]
    warnings: list[str]
    away: str

    @property
    def placed(self) -> int:
        """How many previews are on it."""
        return len(self.residents) + self.hidden

    @property
    def drain_said(self) -> str:
        """What the button is called: draining again tries again what failed elsewhere."""
        return "Drain again" if self.agent.draining_since else "Drain"

    @property
    def ahead(self) -> int:
        """How many previews are yet to leave, of those that do."""
        mine = sum(one.departure.step is not DrainStep.STAYS for one in self.residents)
        return mine + self.hidden_ahead

    @property
    def removable(self) -> bool:
        """Whether it may be taken off the lists."""
        gone = self.agent.state == AgentState.REVOKED
        empty = self.agent.state == AgentState.OFFLINE and not self.residents and not self.hidden
        return self.agent.removed_at is None and (gone or empty)


@one_moment()
def agent_shown(user: User, key: str) -> AgentShown:
    """A constant number of queries. Raises NotFound."""
    agent = find_visible(user, Agent, key)
    all_there = departures(agent)
    ids = [one.environment.pk for one in all_there]
    seen = set(visible(user, Environment).filter(pk__in=ids).values_list("pk", flat=True))
    names = dict(Agent.objects.values_list("pk", "name"))
    others = [one for one in all_there if one.environment.pk not in seen]
    return AgentShown(
        agent,
        [Resident(one, names.get(one.to or "", "")) for one in all_there if one.environment.pk in seen],
        len(others),
        sum(one.step is not DrainStep.STAYS for one in others),
        host_lines(agent),
        other_warnings(agent),
        why_away(agent),
    )
