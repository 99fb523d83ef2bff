"""What is known of an agent's host: the lines of its heartbeat, and how its clock stands to ours."""

from datetime import datetime

from pydantic import ValidationError

from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.releases import release_line
from seatrial.wire.agents import HostLine
from seatrial.wire.states import AgentState
from seatrial.wire.words import HostMatter

PRESENT = (AgentState.ONLINE, AgentState.DRAINING)
MOST_SKEW_SECONDS = 30.0  # more than a heartbeat is ever on its way


def host_lines(agent: Agent) -> list[HostLine]:
    """One for each thing that must be right there, clock and release last. Empty while the agent is away: nothing is known then."""
    if agent.state not in PRESENT:
        return []
    return [*_said(agent), *_clock(agent), *release_line(agent.release)]


def other_warnings(agent: Agent) -> list[str]:
    """What its last heartbeat warned of and no line says, also while the agent is away."""
    said = {line.text for line in _said(agent)}
    return [str(one) for one in agent.heartbeat.get("warnings") or [] if one not in said]


def skew(agent: Agent) -> float | None:
    """How many seconds the agent's clock is ahead of ours; None if its heartbeat does not tell."""
    try:
        at = datetime.fromisoformat(str(agent.heartbeat.get("at", "")))
        return (at - agent.last_heartbeat_at).total_seconds() if agent.last_heartbeat_at else None
    except (ValueError, TypeError):  # a release that says it otherwise
        return None


def _said(agent: Agent) -> list[HostLine]:
    """Those that can be read: a release that says more, or less, is no reason to show nothing."""
    found = []
    rows = agent.heartbeat.get("host")
    for row in rows if isinstance(rows, list) else []:
        try:
            found.append(HostLine.model_validate(row))
        except ValidationError:
            continue
    return found


def _clock(agent: Agent) -> list[HostLine]:
    seconds = skew(agent)
    if seconds is None:
        return []
    if abs(seconds) <= MOST_SKEW_SECONDS:
        return [HostLine(about=HostMatter.CLOCK, well=True, text="its clock agrees with this server's")]
    there = "ahead of" if seconds > 0 else "behind"
    return [
        HostLine(
            about=HostMatter.CLOCK,
            well=False,
            text=f"its clock is {abs(seconds):.0f} seconds {there} this server's: certificates are then not yet valid, or expired",
            fix="Point both at the same NTP server, and see whether they follow it: timedatectl status",
        )
    ]
