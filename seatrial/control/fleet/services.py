"""The fleet: which agents are alive, and which take nothing new. Joining and leaving: `fleet.registration`."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Q, Value, When
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.errors import AgentRevoked
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.fleet.registration import issue_bootstrap, register, revoke
from seatrial.wire.agents import OFFLINE_AFTER_SECONDS, Heartbeat
from seatrial.wire.states import AgentState

__all__ = [
    "drain",
    "heartbeat",
    "issue_bootstrap",
    "register",
    "remove",
    "revoke",
    "sweep_offline",
    "undrain",
]

OFFLINE_AFTER = timedelta(seconds=OFFLINE_AFTER_SECONDS)


@transaction.atomic
def heartbeat(agent_id: str, beat: Heartbeat) -> bool:
    """Record that the agent is alive, by our clock. True when it was offline before. Unknown agents are ignored.

    All at once: who takes an agent offline that was just heard is not undone by the heartbeat that it saw.
    """
    now = timezone.now()
    known = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED)
    known.update(last_heartbeat_at=now, heartbeat=beat.model_dump(mode="json"), release=beat.release[:50])
    back = Case(When(draining_since=None, then=Value(AgentState.ONLINE)), default=Value(AgentState.DRAINING))
    return known.filter(state=AgentState.OFFLINE).update(state=back) > 0


def sweep_offline(*, listening_since: datetime) -> list[Agent]:
    """Mark agents as offline that were silent for OFFLINE_AFTER, and return all agents that are offline now.

    Silence counts only from `listening_since`: a control plane that was away itself has heard nobody.
    """
    now = timezone.now()
    if now - listening_since >= OFFLINE_AFTER:
        silent = Q(last_heartbeat_at__lt=now - OFFLINE_AFTER) | Q(last_heartbeat_at=None)
        Agent.objects.filter(silent, state__in=[AgentState.ONLINE, AgentState.DRAINING]).update(
            state=AgentState.OFFLINE
        )
    return list(Agent.objects.filter(state=AgentState.OFFLINE))


@transaction.atomic
def drain(agent: Agent, *, by: Actor) -> None:
    """Place nothing new on the agent, except environments whose data is there. Idempotent.

    This lasts until `undrain`, also when the agent goes offline meanwhile. What runs there is moved by `previews.draining`.
    Raises AgentRevoked.
    """
    current = _changeable(agent)
    if current.draining_since is not None:
        return
    current.draining_since = timezone.now()
    if current.state == AgentState.ONLINE:
        current.state = AgentState.DRAINING
    current.save(update_fields=["state", "draining_since"])
    audit.record("agent.drain", f"agent/{current.name}", by=by)


@transaction.atomic
def undrain(agent: Agent, *, by: Actor) -> None:
    """Let the agent take new environments again, once it is online. Idempotent.

    Raises AgentRevoked.
    """
    current = _changeable(agent)
    if current.draining_since is None:
        return
    current.draining_since = None
    if current.state == AgentState.DRAINING:
        current.state = AgentState.ONLINE
    current.save(update_fields=["state", "draining_since"])
    audit.record("agent.undrain", f"agent/{current.name}", by=by)


@transaction.atomic
def remove(agent: Agent, *, by: Actor) -> None:
    """Take the agent off the lists, cut off if it is not yet; no token of its name is valid any more. Idempotent.

    Its row stays, for what it did. It comes back when an agent joins under its name.
    """
    current = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if current.removed_at is not None:
        return
    revoke(current, by=by)
    now = timezone.now()
    Agent.objects.filter(pk=agent.pk).update(removed_at=now)
    BootstrapToken.objects.filter(name=current.name, used_at=None, expires_at__gt=now).update(expires_at=now)
    audit.record("agent.remove", f"agent/{current.name}", by=by)


def _changeable(agent: Agent) -> Agent:
    current = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if current.state == AgentState.REVOKED:
        raise AgentRevoked(f"Agent {current.name} is revoked: there is nothing to drain.")
    return current
