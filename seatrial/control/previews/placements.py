"""The agents on whose hosts something of an environment is or may be. Callers hold the environment's row lock.

A placement *leaves* once no deployment of its environment is on its agent. Until `leaving_ends`, the agent's desired
state names no deployment, and the agent drains what it has. Then the key is deleted; the agent removes everything and
reports that. If the agent is needed again before that report, the same placement stays. No code here waits: everything
is decided from the rows.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.outbox import services as outbox
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.previews.placing import Decision, Member, Whereabouts
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import AgentState, EnvironmentState

# Added to the drain: time for the agent to get the message, and for its services to end.
LEAVING_SLACK = timedelta(seconds=10)


def leaving_time() -> timedelta:
    """How long a placement is leaving before everything of it is removed."""
    return timedelta(seconds=settings.CONFIGURATION.galley_drain_seconds) + LEAVING_SLACK


def leaving_ends(placement: Placement) -> datetime | None:
    """The time when everything of it is removed; None while it is not leaving."""
    return placement.leaving_since and placement.leaving_since + leaving_time()


def settle(environment: Environment) -> None:
    """Match the placements to the deployments, with the environment's revision, which the caller has raised."""
    needed = agents_of(environment)
    current = {placement.agent_id: placement for placement in environment.placements.filter(removed_at=None)}
    for agent in needed - current.keys():
        Placement.objects.create(environment=environment, agent_id=agent, revision=environment.revision)
    for agent, placement in current.items():
        placement.revision = environment.revision
        if agent in needed:
            placement.leaving_since = None
        elif placement.leaving_since is None:
            placement.leaving_since = timezone.now()
            if environment.state != EnvironmentState.TERMINATED:  # terminated ones are not drained
                outbox.changed_environment(environment.pk, after=leaving_time())
        placement.save(update_fields=["revision", "leaving_since"])
    note_removed(environment)


def note_removed(environment: Environment) -> None:
    """Mark a terminated environment as removed once all of its placements are."""
    if environment.state != EnvironmentState.TERMINATED or environment.removed_at is not None:
        return
    if not environment.placements.filter(removed_at=None).exists():
        environment.removed_at = timezone.now()
        environment.services = []
        environment.save(update_fields=["removed_at", "services", "updated_at"])


def removed(environment: Environment, agent_id: str) -> bool:
    """Record that nothing of it is left on the agent; False if it is desired there, and so will be made again."""
    leaving = environment.placements.filter(agent=agent_id, removed_at=None, leaving_since__isnull=False)
    if not leaving.update(removed_at=timezone.now()):
        return False
    note_removed(environment)
    return True


def agents_of(environment: Environment) -> set[str]:
    """The agents of the live deployment and of the candidate, or of the one that is kept."""
    there = (environment.live, environment.candidate, environment.kept)
    return {one.agent_id for one in there if one and one.agent_id}


def fleet() -> list[Member]:
    """Every agent, with what placing needs to know about it."""
    # Not joined to the agents: the database would carry an agent's whole heartbeat along with each placement.
    there = Placement.objects.filter(removed_at=None).values("agent")
    placed = dict(there.annotate(placed=Count("pk")).values_list("agent", "placed"))
    return [_member(row, placed.get(row.pk, 0)) for row in Agent.objects.order_by("id")]


def whereabouts(environment: Environment, *, data: Iterable[str] | None = None) -> Whereabouts:
    """What placing needs to know about `environment`. `data` replaces the services that keep data."""
    live = environment.live
    last = live.agent if live is not None else None
    if last is None:
        placed = environment.deployments.exclude(agent=None).select_related("agent").order_by("-id").first()
        last = placed.agent if placed is not None else None
    kept = tuple(keeping_data(environment) if data is None else data)
    return Whereabouts(
        last=last.pk if last else None,
        data=kept if live is not None else (),
        data_on=live.agent_id if live is not None else None,
        runtime=(last.heartbeat.get("runtime") or "") if last is not None and live is not None else "",
        from_fork=environment.pull_request.from_fork,
    )


def keeping_data(environment: Environment) -> list[str]:
    """Services of the live deployment that keep data, by name."""
    live = environment.live
    rows = environment.services or (live.services if live is not None else [])
    return [service.name for service in map(ObservedService.model_validate, rows) if service.keeps_data]


def put(deployment: Deployment, decision: Decision) -> None:
    """Save the agent of `deployment`, and what it waits for before it can begin. It stays on the agent from then on."""
    deployment.agent_id = decision.agent
    deployment.waits_for = decision.waits_for
    if decision.lost:
        deployment.warnings = [decision.lost]
    deployment.save(update_fields=["agent", "waits_for", "warnings"])


def _member(agent: Agent, placed: int) -> Member:
    beat = agent.heartbeat
    return Member(
        id=agent.pk,
        name=agent.name,
        state=AgentState(agent.state),
        placed=placed,
        runtime=beat.get("runtime") or "",
        contains_forks=beat.get("contains_forks") is not False,
        cpus=beat.get("cpus") or 0,
        memory_mb=beat.get("memory_mb") or 0,
        disk_free_mb=beat.get("disk_free_mb") or 0,
    )
