"""Falling asleep and waking. Each function is one transaction, and may be called any number of times."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.previews import labels, lifecycle
from seatrial.control.previews.errors import NothingToPutToSleep, NothingToWake
from seatrial.control.previews.models import Environment, Placement
from seatrial.control.projects.models import Project
from seatrial.wire.deployments import EnvironmentObserved
from seatrial.wire.states import AgentState, Tier
from seatrial.wire.words import ServiceState

AT_ONCE = timedelta(seconds=2)  # enough for the ingress to ask about visitors
# Longer than two reports of an agent: who is still connected then has been seen.
SETTLING = timedelta(seconds=75)
WAKE_SECONDS = 60  # what has not come up by then has a reason that people are told


@transaction.atomic
def sleep(environment: Environment, by: Actor) -> None:
    """Put the preview to sleep now. Raises NothingToPutToSleep when nothing of it is live, or it sleeps, or is being deployed."""
    current = lifecycle.locked(environment.pk)
    if current is None or current.live is None or (current.asleep_since and not current.waking_since):
        raise NothingToPutToSleep(f"{environment.name} does not run, so it cannot be put to sleep.")
    if current.candidate is not None:
        raise NothingToPutToSleep(f"{environment.name} is being deployed. Try again when that is over.")
    _fall_asleep(current, by, settles_in=AT_ONCE)


@transaction.atomic
def fall_asleep(environment_id: str, visited_at: datetime | None) -> bool:
    """It was last visited at `visited_at`, and that is long ago. False if something happened meanwhile."""
    current = lifecycle.locked(environment_id)
    if current is None or current.live is None or current.candidate is not None or current.asleep_since:
        return False
    if current.visited_at != visited_at:
        return False
    _fall_asleep(current, SYSTEM, settles_in=SETTLING)
    return True


@transaction.atomic
def settle(environment_id: str) -> bool:
    """Pause or stop what has been asleep for long enough to, as its project says; False if there is nothing to do."""
    current = lifecycle.locked(environment_id)
    if current is None or current.asleep_since is None or current.waking_since or current.candidate:
        return False
    tier = wanted_tier(current.project, current.visited_at or current.asleep_since)
    if current.tier == tier or (current.settles_at and current.settles_at > timezone.now()):
        return False
    lifecycle.settle(current, tier)
    return True


def wanted_tier(project: Project, visited_at: datetime) -> Tier:
    """How deep a preview sleeps that was last visited then."""
    over = timezone.now() - visited_at >= timedelta(minutes=project.stop_minutes)
    return Tier.STOPPED if project.stop_minutes and (over or not project.pause_minutes) else Tier.PAUSED


@transaction.atomic
def wake(environment: Environment, by: Actor, *, why: str = "") -> None:
    """Wake the preview. Raises NothingToWake unless it sleeps; for one that is being woken already, it does nothing."""
    current = lifecycle.locked(environment.pk)
    if current is None or current.asleep_since is None:
        raise NothingToWake(f"{environment.name} is not asleep.")
    if current.waking_since is None:
        lifecycle.rouse(current)
        lifecycle.announce(current)
        _audit("environment.wake", current, by, **({"why": why} if why else {}))


def woken_by_visit(environment: Environment) -> None:
    """Somebody who may visit it does. A no-op unless it sleeps."""
    if environment.asleep_since is not None and environment.waking_since is None:
        try:
            wake(environment, SYSTEM, why="visited")
        except NothingToWake:
            return  # somebody else was quicker


@transaction.atomic
def visited(environment_id: str, at: datetime) -> None:
    """It was visited until `at`, says the ingress. If it fell asleep meanwhile, and still runs, it stays awake."""
    Environment.objects.filter(pk=environment_id, visited_at__lt=at).update(visited_at=at)
    dozing = Environment.objects.filter(
        pk=environment_id, asleep_since__lt=at, waking_since=None, tier=Tier.RUNNING
    )
    if dozing.exists() and (current := lifecycle.locked(environment_id)) is not None:
        lifecycle.rouse(current)
        lifecycle.announce(current)


def observed(environment: Environment, event: EnvironmentObserved) -> None:
    """What its agent reported. The caller holds the lock. An agent that does not say whether somebody is connected counts as if
    somebody were."""
    if event.streams != 0:
        visited(environment.pk, timezone.now())
    if environment.waking_since is not None and up(environment):
        lifecycle.awake(environment)


def is_late(environment: Environment, agent_id: str, event: EnvironmentObserved) -> bool:
    """Whether a report is from before its agent knew that the preview is to wake."""
    if environment.waking_since is None:
        return False
    placement = Placement.objects.filter(environment=environment, agent=agent_id, removed_at=None).first()
    return placement is None or event.revision < placement.revision


def up(environment: Environment, label: str = "") -> bool:
    """Whether the services that visitors reach are well; with `label`, the one that answers there."""
    hosts = labels.of_services(environment.name, environment.services)
    asked = [one for one in environment.services if one["name"] in hosts]
    if label:
        asked = [one for one in asked if label in hosts[one["name"]]]
    return all(one["state"] == ServiceState.RUNNING for one in asked)


def progress(environment: Environment) -> str:
    """How far it has woken, for people."""
    services = environment.services
    well = sum(one["state"] == ServiceState.RUNNING for one in services)
    return f"{well} of {len(services)} service{'s' * (len(services) != 1)} up" if services else ""


def trouble(environment: Environment) -> str:
    """Why it does not wake, for people; empty while that may still come."""
    if environment.waking_since is None or environment.live is None:
        return ""
    agent = environment.live.agent
    if agent is None or agent.state in {AgentState.OFFLINE, AgentState.REVOKED}:
        return "The machine that it is on does not answer."
    if timezone.now() - environment.waking_since < timedelta(seconds=WAKE_SECONDS):
        return ""
    down = [
        f"{one['name']} ({one['state']})"
        for one in environment.services
        if one["state"] != ServiceState.RUNNING
    ]
    return f"After {WAKE_SECONDS} seconds, this is not up: {', '.join(down)}. Its logs say why."


def _fall_asleep(environment: Environment, by: Actor, *, settles_in: timedelta) -> None:
    tier = wanted_tier(environment.project, environment.visited_at or timezone.now())
    lifecycle.fall_asleep(environment, tier, settles_at=timezone.now() + settles_in)
    _audit("environment.sleep", environment, by)


def _audit(action: str, environment: Environment, by: Actor, **details: str) -> None:
    audit.record(
        action,
        f"environment/{environment.name}",
        by=by,
        workspace=environment.project.workspace_id,
        details=details,
    )
