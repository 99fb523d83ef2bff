"""What a preview waits for, and since when, for people: read from the rows, so that it is true whichever part does not answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.admission import Shortage, asked_for, shortages
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment, Placement
from seatrial.wire.agents import HEARTBEAT_SECONDS
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState
from seatrial.wire.words import Phase

UNDER_WAY = timedelta(seconds=3)  # nobody waits for a message that is just being sent
ASKED = "its forge, which is asked whether the pull request is open"
SILENT = timedelta(seconds=3 * HEARTBEAT_SECONDS)  # one lost heartbeat is none


@dataclass(frozen=True)
class Wait:
    """`what` reads after "waits for". `for_room`: it is prepared or being prepared, and its project has no room for it.

    `place`: its place in a queue, of `queued` that wait in it; 0: it is in none.
    """

    what: str
    since: datetime
    for_room: bool = False
    place: int = 0
    queued: int = 0


@dataclass(frozen=True)
class Circumstances:
    """What is known of one environment beside its row."""

    unsent_since: datetime | None = None  # the desired state for its agents
    phase: DeploymentPhase | None = None  # of its candidate: the one that lasts
    staying: Placement | None = None  # what is still there of a terminated one
    shortage: Shortage | None = None  # what its candidate, which is held, has no room in


def waits(environments: Iterable[str]) -> dict[str, Wait]:
    """Those of `environments` that wait, by id. The number of queries does not grow with them."""
    not_as_wanted = Q(candidate__isnull=False) | Q(
        state__in=[EnvironmentState.STOPPED, EnvironmentState.TERMINATED]
    )
    rows = Environment.objects.filter(not_as_wanted, pk__in=list(environments), removed_at=None)
    changing = list(rows.select_related("candidate__agent", "project"))
    if not changing:
        return {}
    circumstances = _circumstances(changing)
    now = timezone.now()
    obstacles = {row.pk: wait(row, circumstances[row.pk], now) for row in changing}
    return {pk: one for pk, one in obstacles.items() if one is not None}


def wait(environment: Environment, circumstances: Circumstances, now: datetime) -> Wait | None:
    """The first obstacle in the way: the forge that has not confirmed it, a message that is not sent, an agent that is silent,
    then who is at work.
    """
    candidate = environment.candidate
    if candidate is not None and candidate.confirmed_at is None:
        return Wait(candidate.unconfirmed or ASKED, candidate.created_at)
    if candidate is not None and candidate.agent is None:
        return Wait(candidate.waits_for or "an agent", candidate.created_at)
    if circumstances.unsent_since is not None and now - circumstances.unsent_since > UNDER_WAY:
        return Wait("the bus: its agent has not got its instructions yet", circumstances.unsent_since)
    if environment.state == EnvironmentState.TERMINATED:
        return _removal(environment, circumstances.staying, now)
    return _progress(candidate, circumstances, now) if candidate is not None else None


def _progress(candidate: Deployment, circumstances: Circumstances, now: datetime) -> Wait:
    agent = candidate.agent
    assert agent is not None
    if candidate.ready_at is not None:
        return Wait(candidate.waits_for or "its route", candidate.ready_at)
    if (silent := _silent(agent, now)) is not None:
        return silent
    if (short := circumstances.shortage) is not None:
        return Wait(short.what, candidate.created_at, for_room=True, place=short.place, queued=short.held)
    phase = circumstances.phase
    if phase is not None:
        return _turn(candidate, agent, phase) or Wait(f"agent {agent.name}: {phase.name}", phase.started_at)
    if asked_for(candidate) is not None:
        return Wait("the worker, to let its services start", candidate.created_at)
    begun = candidate.state != DeploymentState.QUEUED
    return Wait(f"agent {agent.name}" + ("" if begun else " to begin"), candidate.created_at)


def _turn(candidate: Deployment, agent: Agent, phase: DeploymentPhase) -> Wait | None:
    """The place of its next build in its agent's queue, as of the last heartbeat; None: nothing of it waits for its turn."""
    queue = list(agent.heartbeat.get("build_queue") or [])
    if candidate.pk not in queue or Phase.of(phase.name) != Phase.BUILD:
        return None
    at_once = agent.heartbeat.get("builds_at_once") or 0
    what = (
        f"agent {agent.name} to build it: it builds {at_once} at the same time (GALLEY_MAX_PARALLEL_BUILDS)"
    )
    return Wait(what, phase.started_at, place=queue.index(candidate.pk) + 1, queued=len(queue))


def _removal(environment: Environment, staying: Placement | None, now: datetime) -> Wait | None:
    if staying is None:
        return None
    silent = _silent(staying.agent, now)
    if silent is not None:
        return Wait(f"{silent.what}, to remove it", silent.since)
    return Wait(f"agent {staying.agent.name} to remove it", environment.terminated_at or now)


def _silent(agent: Agent, now: datetime) -> Wait | None:
    heard = agent.last_heartbeat_at or agent.registered_at
    if agent.state == AgentState.OFFLINE:
        return Wait(f"agent {agent.name}, which is offline", heard)
    if now - heard > SILENT:
        return Wait(f"agent {agent.name}, which is silent", heard)
    return None


def _circumstances(environments: list[Environment]) -> dict[str, Circumstances]:
    keys = [row.pk for row in environments]
    unsent = _unsent(keys)
    candidates = [row.candidate_id for row in environments if row.candidate_id]
    lasting = DeploymentPhase.objects.filter(deployment__in=candidates, seconds=None).order_by("started_at")
    phases = {phase.deployment_id: phase for phase in lasting}
    there = Placement.objects.filter(environment__in=keys, removed_at=None).select_related("agent")
    staying = {
        one.environment_id: one
        for one in there.order_by(F("agent__last_heartbeat_at").desc(nulls_first=True))
    }
    short = shortages(environments)
    return {
        row.pk: Circumstances(
            unsent.get(row.pk),
            phases.get(row.candidate_id or ""),
            staying.get(row.pk),
            short.get(row.pk),
        )
        for row in environments
    }


def _unsent(environments: list[str]) -> dict[str, datetime]:
    """Since when something of each environment was to be sent."""
    rows = OutboxMessage.objects.filter(
        subject=Instruction.DESIRED, published_at=None, body__environment__in=environments
    )
    # One that was written for later is due at a time after it was made, and was not tried yet.
    due: dict[str, datetime] = {}
    for row in rows.order_by("-id"):
        wanted_at = row.created_at if row.attempts else max(row.created_at, row.due_at)
        if wanted_at <= timezone.now():
            due[row.body["environment"]] = wanted_at
    return due
