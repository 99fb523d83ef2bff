"""Moves previews when an agent comes, goes silent, is revoked or is drained."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import admission, lifecycle, placements, placing
from seatrial.control.previews.errors import CannotMove
from seatrial.control.previews.models import Environment, Placement
from seatrial.control.previews.placing import Decision, Member
from seatrial.wire.agents import OFFLINE_AFTER_SECONDS
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState
from seatrial.wire.words import Reason


def place_waiting() -> int:
    """Place deployments that wait for an agent, and deploy again what was on a revoked one; returns how many got one.

    There is one transaction per environment; after a crash, the next call does the rest.
    """
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    unplaced = Q(candidate__isnull=False, candidate__agent=None)
    revoked = Q(candidate__agent__state=AgentState.REVOKED) | Q(live__agent__state=AgentState.REVOKED)
    placed = _each(living.filter(unplaced | revoked), _place)
    _each(Environment.objects.filter(pk__in=_on_revoked()), _give_up_revoked)
    return placed


def lost_contact(agent: Agent) -> int:
    """Fail deployments in progress on an offline agent that are older than OFFLINE_AFTER_SECONDS; returns how many.

    A queued deployment that is bound there goes on waiting, and says so: a rebuild would only wait, too. One that its forge
    has not confirmed, or that is prepared and waits for room in its project, is deployed anew, elsewhere or once its agent is
    back.
    """
    horizon = timezone.now() - timedelta(seconds=OFFLINE_AFTER_SECONDS)

    def fail(environment: Environment) -> bool:
        candidate = environment.candidate
        if candidate is None or candidate.agent_id != agent.pk or candidate.created_at >= horizon:
            return False
        if candidate.state == DeploymentState.QUEUED and _waits_for_data(environment, agent):
            return False
        if candidate.confirmed_at is None or admission.asked_for(candidate) is not None:
            lifecycle.begin_again(environment)
            return False
        lifecycle.fail(
            environment, reason=Reason.AGENT_LOST_CONTACT, message=_lost_message(environment, agent)
        )
        return True

    stuck = Environment.objects.filter(candidate__agent=agent, candidate__created_at__lt=horizon)
    return _each(stuck, fail)


def to_an_engine(environment: Environment) -> bool:
    """Deploy the candidate anew on an agent with a container engine, because its own agent has none and refused it.

    False when no such agent is online, or when data pins it where it is. Not for ever: one with an engine does not refuse so.
    """
    facts = placements.whereabouts(environment)
    if facts.data:
        return False
    decision = placing.decide(placing.with_engine(placements.fleet()), replace(facts, runtime=""))
    if decision.agent is None:
        return False
    lifecycle.begin_again(environment, decision)
    return True


@transaction.atomic
def tell(environment_id: str, *, above: int = 0) -> None:
    """Raise the environment's revision above `above`, and send it to every agent that it is placed on."""
    environment = lifecycle.locked(environment_id)
    if environment is not None:
        lifecycle.tell_agents(environment, above=above)


@transaction.atomic
def move(environment: Environment, *, off: Agent, by: Actor) -> bool:
    """Move the environment away from the agent `off`, which it leaves after the switch; True when the move began now.

    Idempotent: False when nothing of it is to run there, or the move is under way already. Raises CannotMove.
    """
    current = lifecycle.locked(environment.pk)
    if current is None or current.kept is not None or off.pk not in placements.agents_of(current):
        return False
    candidate = current.candidate
    if candidate is not None and candidate.agent_id not in {None, off.pk}:
        return False
    decision = elsewhere(current, off)
    if decision.agent in {None, off.pk}:
        raise CannotMove(f"{current.name} cannot move: {decision.reason}.")
    lifecycle.begin_again(current, decision)
    audit.record(
        "environment.move",
        f"environment/{current.name}",
        by=by,
        workspace=current.project.workspace_id,
        details={"off": off.name, "to": decision.agent},
    )
    return True


def elsewhere(environment: Environment, off: Agent, members: Sequence[Member] | None = None) -> Decision:
    """What placing decides when the agent `off` takes nothing new, as if it were draining. `members`: the fleet, if it is known."""
    fleet = [
        replace(member, state=AgentState.DRAINING)
        if member.id == off.pk and member.state == AgentState.ONLINE
        else member
        for member in (placements.fleet() if members is None else members)
    ]
    return placing.decide(fleet, placements.whereabouts(environment))


def _place(environment: Environment) -> bool:
    """Give the candidate an agent, or deploy again what was on a revoked one; True when it got an agent."""
    live, candidate = environment.live, environment.candidate
    if environment.state == EnvironmentState.TERMINATED:
        return False
    if candidate is not None and candidate.agent is None:
        before = candidate.waits_for
        placed = lifecycle.place(environment)
        if placed or candidate.waits_for != before:
            lifecycle.announce(environment)
        return placed
    if candidate is not None:
        again = candidate.agent is not None and candidate.agent.state == AgentState.REVOKED
    else:  # only once: if that fails elsewhere, a rebuild or a push is up to people
        newest = environment.deployments.order_by("-id").first()
        again = _is_on_revoked(environment) and newest is not None and newest == live
    if not again:
        return False
    begun = lifecycle.begin_again(environment)
    return begun is not None and begun.agent_id is not None


def _is_on_revoked(environment: Environment) -> bool:
    agent = environment.live.agent if environment.live is not None else None
    return agent is not None and agent.state == AgentState.REVOKED


def _on_revoked() -> Iterable[str]:
    """Environments with a placement on a revoked agent, which will never report that it is gone."""
    rows = Placement.objects.filter(removed_at=None, agent__state=AgentState.REVOKED)
    return list(rows.values_list("environment_id", flat=True))


def _give_up_revoked(environment: Environment) -> bool:
    """End placements on revoked agents where nothing is desired, because those agents will not clean up."""
    rows = environment.placements.filter(removed_at=None, agent__state=AgentState.REVOKED)
    over = rows.exclude(agent__in=placements.agents_of(environment)).update(removed_at=timezone.now())
    placements.note_removed(environment)
    return over > 0


def _waits_for_data(environment: Environment, agent: Agent) -> bool:
    """Whether the candidate can go nowhere else, which it then says; the caller has seen that nothing has begun."""
    decision = placing.decide(placements.fleet(), placements.whereabouts(environment))
    if not (decision.bound and decision.waits_for and decision.agent == agent.pk):
        return False
    assert environment.candidate is not None
    placements.put(environment.candidate, decision)
    return True


def _lost_message(environment: Environment, agent: Agent) -> str:
    silent = f"Agent {agent.name} has not been heard from for {OFFLINE_AFTER_SECONDS:.0f} s"
    facts = placements.whereabouts(environment)
    if facts.data and facts.data_on == agent.pk:
        kept = ", ".join(facts.data)
        return f"{silent}, and it has the data of {kept}. Rebuild, or push a commit: it goes on when that agent is back."
    return f"{silent}. Rebuild, or push a commit: it goes to an agent that is online, or waits for one."


def _each(rows: Iterable[Environment], work: Callable[[Environment], bool]) -> int:
    """Call `work` with each of `rows`, locked, in a transaction of its own; returns how often it did something."""
    done = 0
    for identity in sorted({row.pk for row in rows}):
        with transaction.atomic():
            environment = lifecycle.locked(identity)
            done += environment is not None and work(environment)
    return done
