"""Empties an agent without anybody noticing: what can move is deployed elsewhere, and leaves after the switch.

Level-triggered: `drain` begins every move at once, and the reconciler begins what was not possible then (`leave_draining`). What
failed elsewhere is not tried again by itself: draining once more, a push or a rebuild does.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.errors import StillThere
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import moves, placements
from seatrial.control.previews.errors import CannotMove
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.placing import Member, listed
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState
from seatrial.wire.words import DrainStep


@dataclass(frozen=True)
class Departure:
    """What becomes of one environment on an agent that drains, or would: the `step`, the `reason` for people, and the agent
    that it goes `to`. `failed`: it stays because its deployment elsewhere failed."""

    environment: Environment
    step: DrainStep
    reason: str
    to: str | None = None
    failed: bool = False

    @property
    def stays(self) -> bool:
        """Whether it has no other place."""
        return self.step is DrainStep.STAYS


def drain(agent: Agent, *, by: Actor) -> None:
    """Place nothing new on the agent, and begin to move what can move. Idempotent: what failed elsewhere is tried again.

    One transaction per environment. Raises AgentRevoked.
    """
    fleet.drain(agent, by=by)
    for one in plan_drain(agent):
        if one.step is DrainStep.MOVES or one.failed:
            _move(one.environment, agent, by)


def leave_draining() -> int:
    """Begin the moves that were not possible when the agents were drained; returns how many began."""
    begun = 0
    for agent in Agent.objects.filter(draining_since__isnull=False).exclude(state=AgentState.REVOKED):
        ready = [one.environment for one in plan_drain(agent) if one.step is DrainStep.MOVES]
        begun += sum(_move(environment, agent, SYSTEM) for environment in ready)
    return begun


@transaction.atomic
def remove(agent: Agent, *, by: Actor) -> None:
    """Take the agent off the lists: one that is revoked, or offline with nothing on it. Idempotent. Raises StillThere."""
    current = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if current.state in {AgentState.ONLINE, AgentState.DRAINING}:
        raise StillThere(
            f"Agent {current.name} is {current.state}. Drain it, and stop it on its host; or revoke it."
        )
    if current.state == AgentState.OFFLINE:
        there = current.placements.filter(removed_at=None).count()
        if there:
            raise StillThere(
                f"Agent {current.name} is offline, and previews are on it ({there}). Start it and drain it; "
                "or revoke it: then they are built elsewhere, without the data that they have there."
            )
    fleet.remove(current, by=by)


def plan_drain(agent: Agent) -> list[Departure]:
    """What would happen to everything that runs on `agent` if it were drained: what moves and where to, what stays and why."""
    runs = [one for one in departures(agent) if one.environment.state != EnvironmentState.STOPPED]
    return [one for one in runs if one.step is not DrainStep.LEAVING]


def departures(agent: Agent) -> list[Departure]:
    """`plan_drain`, and what is stopped there or is leaving already; by name, with a constant number of queries."""
    there = Q(live__agent=agent) | Q(candidate__agent=agent)
    placed = Q(pk__in=agent.placements.filter(removed_at=None).values("environment"))
    living = Q(there, ~Q(state=EnvironmentState.TERMINATED))
    rows = list(
        Environment.objects.filter(living | placed)
        .select_related("live__agent", "candidate__agent", "project", "pull_request")
        .order_by("name", "id")
    )
    members = placements.fleet()
    newest = newest_deployments(row.pk for row in rows)
    return [_departure(row, agent, members, newest.get(row.pk)) for row in rows]


def _departure(
    environment: Environment, agent: Agent, members: list[Member], newest: Deployment | None
) -> Departure:
    live, candidate = environment.live, environment.candidate
    if agent.pk not in {one.agent_id for one in (live, candidate) if one is not None}:
        if environment.state == EnvironmentState.STOPPED:
            return Departure(environment, DrainStep.STAYS, KEPT)
        return Departure(environment, DrainStep.LEAVING, LEAVING)
    if candidate is not None and candidate.agent_id not in {None, agent.pk}:
        where = candidate.agent.name if candidate.agent is not None else ""
        return Departure(environment, DrainStep.MOVING, f"is deployed on agent {where}", candidate.agent_id)
    decision = moves.elsewhere(environment, agent, members)
    if decision.agent in {None, agent.pk}:
        data = listed(placements.keeping_data(environment)) if decision.bound else ""
        return Departure(
            environment, DrainStep.STAYS, f"the data of {data} is here" if data else decision.reason
        )
    if agent.draining_since is not None and _failed_since(newest, environment, agent):
        return Departure(environment, DrainStep.STAYS, _said(newest), failed=True)
    return Departure(environment, DrainStep.MOVES, decision.reason, decision.agent)


KEPT = "is stopped: it stays until that cannot be undone any more"
LEAVING = "goes as soon as its last visitors are answered"


def _failed_since(newest: Deployment | None, environment: Environment, agent: Agent) -> bool:
    """Whether what was deployed last, since the agent drains, failed elsewhere."""
    return (
        newest is not None
        and environment.candidate_id is None
        and newest.state == DeploymentState.FAILED
        and newest.agent_id != agent.pk
        and agent.draining_since is not None
        and newest.created_at >= agent.draining_since
    )


def _said(newest: Deployment | None) -> str:
    message = newest.message if newest is not None else ""
    return f"failed elsewhere: {message or 'its page says why'} Drain once more to try again"


def _move(environment: Environment, agent: Agent, by: Actor) -> bool:
    try:
        return moves.move(environment, off=agent, by=by)
    except CannotMove:  # since the plan was made; the next round sees it
        return False
