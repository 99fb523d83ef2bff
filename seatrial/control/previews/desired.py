"""The desired state of an environment, for each agent that it is placed on."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils import timezone

from seatrial.control.forges.sources import source
from seatrial.control.previews import snapshots
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.previews.placements import leaving_ends
from seatrial.control.projects import callbacks
from seatrial.control.projects.models import Tier as Trust
from seatrial.control.projects.variables import counting, tier_of
from seatrial.control.registries.setting import given as logins
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment, PreviewAddress
from seatrial.wire.states import AgentState, EnvironmentState, Tier


def is_desired(placement: Placement) -> bool:
    """True when the agent must know about the environment; False: nothing of it may exist there."""
    if placement.removed_at is not None or placement.agent.state == AgentState.REVOKED:
        return False
    ends = leaving_ends(placement)
    left = ends is not None and timezone.now() >= ends
    return not left and placement.environment.state != EnvironmentState.TERMINATED


def desired_placements() -> Iterable[Placement]:
    """All that `is_desired`, with nothing of their environments and agents but what that takes: there may be thousands."""
    rows = Placement.objects.filter(removed_at=None).select_related("agent", "environment")
    few = rows.only("revision", "leaving_since", "removed_at", "agent__state", "environment__state")
    return filter(is_desired, few)


def desired(placement: Placement) -> DesiredEnvironment | None:
    """What must be true of the environment on the agent's host; None: it must not exist there.

    It only names deployments of that agent. While the placement leaves it names none, and the agent drains what it has.
    A candidate that the forge has not confirmed is not named either. While the environment is stopped, the one that is kept
    is named, which is not to run.
    """
    if not is_desired(placement):
        return None
    environment = placement.environment
    project = environment.project
    return DesiredEnvironment(
        environment=environment.pk,
        name=environment.name,
        workspace=project.workspace_id,
        project=project.pk,
        repository=project.pk,
        number=environment.pull_request.number,
        revision=placement.revision,
        source=source(project),
        address=address(),
        live=_deployment(environment, environment.live or environment.kept, placement.agent_id),
        candidate=_candidate(environment, placement.agent_id),
        drain_seconds=settings.CONFIGURATION.galley_drain_seconds,
        running=environment.kept is None and environment.tier == Tier.RUNNING,
        paused=environment.kept is None and environment.tier == Tier.PAUSED,
        callback=callbacks.label(project) if project.callbacks else "",
        data=environment.data_generation,
        save=snapshots.saving(environment, placement.agent_id),
        template=snapshots.template(environment),
    )


def as_configured(payload: dict[str, Any]) -> bool:
    """True when the settings in a desired state are still this server's. Needed because no row changes when they do."""
    drain_seconds = settings.CONFIGURATION.galley_drain_seconds
    return (payload.get("address"), payload.get("drain_seconds")) == (
        address().model_dump(mode="json"),
        drain_seconds,
    )


def address() -> PreviewAddress:
    """How visitors reach previews."""
    where: PreviewAddress = settings.CONFIGURATION.preview_address
    return where


def _candidate(environment: Environment, agent: str) -> DesiredDeployment | None:
    deployment, live = environment.candidate, environment.live
    if deployment is not None and deployment.confirmed_at is None:
        return None
    desired = _deployment(environment, deployment, agent)
    if deployment is None or desired is None or deployment.admitted_at is not None:
        return desired
    room = {"room_cpus": live.cpus or 0.0, "room_memory_mb": live.memory_mb or 0} if live is not None else {}
    return desired.model_copy(update={"held": True, **room})


def _deployment(
    environment: Environment, deployment: Deployment | None, agent: str
) -> DesiredDeployment | None:
    if deployment is None or deployment.agent_id != agent:
        return None
    tier = tier_of(environment.pull_request)
    return DesiredDeployment(
        id=deployment.pk,
        commit=deployment.commit,
        branch=deployment.branch,
        no_cache=deployment.no_cache,
        recipe_folder=deployment.recipe_folder,
        untrusted=deployment.tier == Trust.FORKS,
        private_networks=deployment.private_networks,
        registries={registry: row.pk for registry, row in logins(environment.project, tier).items()},
        variables=counting(environment.project, tier, deployment.created_at).exists(),
    )
