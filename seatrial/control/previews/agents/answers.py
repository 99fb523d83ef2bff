"""One agent as programs see it."""

from datetime import datetime

from ninja import Field, Schema

from seatrial.control.fleet.api import AgentAnswer, answer
from seatrial.control.fleet.hosts import skew
from seatrial.control.previews.agents.shown import AgentShown, Resident
from seatrial.control.previews.answers import page_url


class AgentHostAnswer(Schema):
    """One thing that must be right on the agent's host."""

    about: str = Field(
        description="engine, gvisor, firewall, namespaces, builder, disk, containers, registry, clock, release, or a word of a newer agent."
    )
    well: bool = Field(description="Whether it is right.")
    text: str = Field(description="What was found, for people.")
    fix: str = Field(description="What to type or do, for people; empty if nothing.")
    grave: bool = Field(description="If it is not right: whether something does not work because of it.")


class ResidentAnswer(Schema):
    """One preview on the agent. While nobody drains it, `step` says what would happen."""

    id: str = Field(description="The preview's id.")
    name: str = Field(description="The first label of its addresses, such as pr-1-shop.")
    state: str = Field(description="pending, building, running, stopped, hibernating or terminated.")
    page_url: str = Field(description="Its page on this server.")
    step: str = Field(
        description="stays, moves (to another agent), moving (a deployment elsewhere is under way) or leaving (nothing of it is to run here)."
    )
    reason: str = Field(description="Why, for people.")
    to: str = Field(description="The name of the agent that it goes to; empty if it goes to none.")


class AgentInFull(AgentAnswer):
    """One agent, and the previews on it that you may see."""

    draining_since: datetime | None = Field(description="Since when it drains; null if nobody asked for it.")
    revoked_at: datetime | None = Field(description="When it was revoked; null if it is not.")
    removed_at: datetime | None = Field(description="When it was taken off the lists; null if it is on them.")
    away: str = Field(description="Why it is offline, as far as is known, for people; empty otherwise.")
    skew_seconds: float | None = Field(
        description="How many seconds its clock is ahead of this server's, as of its last heartbeat; null if not known."
    )
    host: list[AgentHostAnswer] = Field(description="What must be right on its host; empty while it is away.")
    warnings: list[str] = Field(description="What else its last heartbeat warned of, for people.")
    residents: list[ResidentAnswer] = Field(description="The previews on it that you may see, by name.")
    hidden: int = Field(description="How many previews of other workspaces are on it.")
    ahead: int = Field(description="How many previews are yet to leave it, of those that would or do.")


def in_full(shown: AgentShown) -> AgentInFull:
    """The answer."""
    agent = shown.agent
    return AgentInFull(
        **answer(agent).dict(),
        draining_since=agent.draining_since,
        revoked_at=agent.revoked_at,
        removed_at=agent.removed_at,
        away=shown.away,
        skew_seconds=skew(agent),
        host=[AgentHostAnswer(**line.model_dump(mode="json")) for line in shown.lines],
        warnings=shown.warnings,
        residents=[_resident(one) for one in shown.residents],
        hidden=shown.hidden,
        ahead=shown.ahead,
    )


def _resident(one: Resident) -> ResidentAnswer:
    environment = one.environment
    return ResidentAnswer(
        id=environment.pk,
        name=environment.name,
        state=environment.state,
        page_url=page_url(environment),
        step=one.departure.step,
        reason=one.departure.reason,
        to=one.to,
    )
