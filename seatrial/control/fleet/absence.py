"""Why an agent is away, as far as this server knows."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from seatrial.control.fleet.hosts import MOST_SKEW_SECONDS, skew
from seatrial.control.fleet.models import Agent
from seatrial.wire.states import AgentState

ITS_LOG = "journalctl -u galley-agent, or docker compose logs galley-agent-alone"


def why_away(agent: Agent) -> str:
    """For people, without a full stop at the end: what is known, and what to do. Empty while it is online, and once it is revoked."""
    if agent.state != AgentState.OFFLINE:
        return ""
    heard = agent.last_heartbeat_at
    if agent.refused_at is not None and (heard is None or agent.refused_at > heard):
        return f"It asked to be let in on {_moment(agent.refused_at)}, and was refused ({agent.refused})"
    if (ended := _ended(agent)) is not None and (heard is None or heard <= ended):
        return f"Its credential ended on {_moment(ended)}. Rotate it: make a token of its name, and start the agent with that"
    if heard is None:
        return (
            f"It registered on {_moment(agent.registered_at)} and was never heard since: it does not reach the bus at "
            f"GALLEY_NATS_URL, or its clock is wrong. Its log says which: {ITS_LOG}"
        )
    if agent.heartbeat.get("stopping"):
        return f"Somebody stopped it on its host, on {_moment(heard)}. Start it there when it is wanted again"
    return (
        f"It went silent on {_moment(heard)}, without having been stopped{_clock(agent)}: its host, or the network between, "
        f"is away, or the program ended. Its log says which: {ITS_LOG}"
    )


def _ended(agent: Agent) -> datetime | None:
    """When its credential ended, if it has; it may have joined again since it registered first, so this is the earliest."""
    days = settings.CONFIGURATION.galley_agent_credential_days
    last = agent.bootstraptoken_set.exclude(used_at=None).order_by("-used_at").first() if days else None
    ends = last.used_at + timedelta(days=days) if last is not None and last.used_at is not None else None
    return ends if ends is not None and ends <= timezone.now() else None


def _clock(agent: Agent) -> str:
    seconds = skew(agent)
    if seconds is None or abs(seconds) <= MOST_SKEW_SECONDS:
        return ""
    return (
        f", and its clock was {abs(seconds):.0f} seconds {'ahead' if seconds > 0 else 'behind'} "
        "(certificates may be expired, or not yet valid, for it)"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d at %H:%M} UTC"
