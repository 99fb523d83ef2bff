"""Handles what agents report. Every event may come twice, late, or out of order; one that no longer fits is ignored.

Each function is one transaction and idempotent. `agent_id` is the sender, according to the bus. An agent is only
believed about its own deployments and its own placements.
"""

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.previews import disk, labels, lifecycle, moves, placements
from seatrial.control.previews.desired import address
from seatrial.control.previews.errors import LabelsTaken
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.models import DeploymentPhase as PhaseRow
from seatrial.control.previews.sleeping import services as sleeping
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
    RecipeRead,
)
from seatrial.wire.states import DeploymentState
from seatrial.wire.words import Phase, Reason, ServiceState

log = structlog.get_logger(__name__)

STARTING_PHASES = frozenset({Phase.START, Phase.HEALTH})
MAX_PHASES = 200  # per deployment; one phase per service and a few more are far fewer


@transaction.atomic
def phase(agent_id: str, event: DeploymentPhase) -> None:
    """A phase began or ended. A late report never makes an ended phase run again."""
    environment = lifecycle.locked(event.environment)
    deployment = _deployment(environment, event.deployment)
    if environment is None or deployment is None or deployment.agent_id != agent_id:
        return
    name = event.phase[:80]
    row = PhaseRow.objects.filter(deployment=deployment, name=name).first()
    if row is None and deployment.phases.count() < MAX_PHASES:
        PhaseRow.objects.create(deployment=deployment, name=name, **_timing(event))
    elif row is not None and _is_news(row, event):
        PhaseRow.objects.filter(pk=row.pk).update(**_timing(event))
    _progress(environment, deployment, starting=Phase.of(name) in STARTING_PHASES)


@transaction.atomic
def recipe_read(agent_id: str, event: RecipeRead) -> None:
    """Store what was detected, and what the services of a deployment may use together; `previews.admission` decides when they start.

    A candidate that waits is decided about again, also if nothing changed.
    """
    environment = lifecycle.locked(event.environment)
    deployment = _deployment(environment, event.deployment)
    if environment is None or deployment is None or deployment.agent_id != agent_id:
        return
    told = (event.cpus, event.memory_mb, event.detected.model_dump() if event.detected else None)
    if (deployment.cpus, deployment.memory_mb, deployment.detected) != told:
        deployment.cpus, deployment.memory_mb, deployment.detected = told
        deployment.save(update_fields=["cpus", "memory_mb", "detected"])
        environment.save(update_fields=["updated_at"])  # its pages show it
    lifecycle.wake_admissions()


@transaction.atomic
def ready(agent_id: str, event: DeploymentReady) -> None:
    """The candidate is healthy. The worker switches the route, then makes it live."""
    environment, deployment = _candidate(agent_id, event)
    if environment is None or deployment is None:
        return
    services = _dump(event.services)
    try:
        labels.claim(environment, _labels(environment, services))
    except LabelsTaken as taken:
        _refuse_labels(environment, services, taken)
        return
    deployment.services = services
    deployment.isolation = event.isolation
    # Placing the deployment may have left warnings too.
    deployment.warnings = list(dict.fromkeys([*deployment.warnings, *event.warnings]))
    deployment.notes = event.notes
    deployment.ready_at = deployment.ready_at or timezone.now()
    # It runs, so it counts: an older agent does not know that it is held.
    deployment.admitted_at = deployment.admitted_at or deployment.ready_at
    deployment.state, deployment.waits_for = DeploymentState.STARTING, ""
    deployment.save()
    lifecycle.wake_routes(environment)


@transaction.atomic
def failed(agent_id: str, event: DeploymentFailed) -> None:
    """The candidate cannot become live, or cannot on this agent, in which case another agent gets it."""
    environment, deployment = _candidate(agent_id, event)
    if environment is None or deployment is None:
        return
    if event.reason == Reason.NEEDS_ENGINE and moves.to_an_engine(environment):
        return
    lifecycle.fail(
        environment,
        reason=event.reason,
        message=event.message,
        failed_service=event.service[:63],
        log_tail=list(event.log_tail)[-200:],
        warnings=list(dict.fromkeys([*deployment.warnings, *event.warnings])),
        notes=event.notes,
    )


def observed(agent_id: str, event: EnvironmentObserved) -> None:
    """The live deployment's agent reports what runs now.

    Nearly all reports say what is known. Then one statement notes when that was, and the row counts as unchanged: pages that
    somebody has open are not made anew.
    """
    if not _as_known(agent_id, event):
        _observed(agent_id, event)


def _as_known(agent_id: str, event: EnvironmentObserved) -> bool:
    """Whether a report says nothing but that everything is as it was. It is ordered as `_observed` says."""
    if event.streams != 0 or not event.services or (event.disk and event.disk.used_mb >= event.disk.most_mb):
        return False
    at = min(event.at, timezone.now())
    same = Environment.objects.filter(
        pk=event.environment,
        live=event.deployment,
        live__agent=agent_id,
        waking_since=None,
        services=_dump(event.services),
        observed_at__lte=at,
    )
    if event.disk is not None:
        same = same.filter(disk=event.disk.model_dump(mode="json"))
    return same.update(observed_at=at) > 0


@transaction.atomic
def _observed(agent_id: str, event: EnvironmentObserved) -> None:
    """The live deployment's agent reports what runs now, and what it holds on the disk. If endpoints moved (the engine restarted), routes follow.

    A service that is down keeps the endpoint it had: it usually comes back there, and until then the ingress holds
    requests for it. Reports are ordered by the agent's clock. A time in the future counts as now, so that reports are
    not ignored for long after that clock was set back.
    """
    environment = lifecycle.locked(event.environment)
    if environment is None or disk.observed(environment, agent_id, event.disk):
        return
    if environment.live is None or environment.live.agent_id != agent_id:
        return
    at = min(event.at, timezone.now())
    late = environment.observed_at is not None and at < environment.observed_at
    if late or sleeping.is_late(environment, agent_id, event):
        return
    environment.observed_at = at
    services = _with_known_endpoints(event.services, environment.services or environment.live.services)
    if event.deployment == environment.live.pk and environment.services != services:
        _take_over(environment, services)
    environment.save(update_fields=["observed_at", "services", "updated_at"])
    sleeping.observed(environment, event)


@transaction.atomic
def removed(agent_id: str, event: EnvironmentRemoved) -> None:
    """Nothing of the environment is left on that agent's host. Ignored if the environment is desired there again."""
    environment = lifecycle.locked(event.environment)
    if environment is not None:
        placements.removed(environment, agent_id)


def _take_over(environment: Environment, services: list[dict[str, Any]]) -> None:
    """Store what the agent observed. If that needs labels of other previews, ignore it: no report moves an address."""
    try:
        labels.claim(environment, _labels(environment, services))
    except LabelsTaken as taken:
        log.warning(
            "report of an agent ignored: its services have labels of other previews",
            environment=environment.name,
            labels=taken.labels,
        )
        return
    environment.services = services
    lifecycle.wake_routes(environment)


def _refuse_labels(environment: Environment, services: list[dict[str, Any]], taken: LabelsTaken) -> None:
    own = labels.of_services(environment.name, services)
    name = next(service for service, hosts in own.items() if set(hosts) & set(taken.labels))
    host = address().host(taken.labels[0])
    lifecycle.fail(
        environment,
        reason=Reason.ADDRESS_TAKEN,
        message=f"The service {name} would answer at {host}, which belongs to another preview. Rename the service.",
        failed_service=name[:63],
    )


def _labels(environment: Environment, services: list[dict[str, Any]]) -> list[str]:
    return [label for own in labels.of_services(environment.name, services).values() for label in own]


def _timing(event: DeploymentPhase) -> dict[str, Any]:
    return {"started_at": event.started_at, "seconds": event.seconds, "failed": event.failed}


def _is_news(row: PhaseRow, event: DeploymentPhase) -> bool:
    """True for the end of a phase that we saw begin, and for a later attempt (after a crash of the agent)."""
    if event.started_at == row.started_at:
        return event.seconds is not None
    return event.started_at > row.started_at


def _candidate(
    agent_id: str, event: DeploymentReady | DeploymentFailed
) -> tuple[Environment | None, Deployment | None]:
    """The environment and its candidate, if `event` is about that candidate and the candidate is on that agent."""
    environment = lifecycle.locked(event.environment)
    candidate = environment.candidate if environment is not None else None
    if candidate is None or candidate.pk != event.deployment or candidate.agent_id != agent_id:
        return None, None
    return environment, candidate


def _deployment(environment: Environment | None, deployment_id: str) -> Deployment | None:
    if environment is None:
        return None
    if environment.candidate is not None and environment.candidate.pk == deployment_id:
        return environment.candidate
    return Deployment.objects.filter(pk=deployment_id, environment=environment).first()


def _progress(environment: Environment, deployment: Deployment, *, starting: bool) -> None:
    """queued -> building -> starting, never backwards, and only while in progress."""
    if environment.candidate is None or environment.candidate.pk != deployment.pk:
        return
    state = DeploymentState.STARTING if starting else DeploymentState.BUILDING
    if deployment.state == DeploymentState.QUEUED or (starting and deployment.state != state):
        deployment.state, deployment.waits_for = state, ""
        deployment.save(update_fields=["state", "waits_for"])


def _with_known_endpoints(
    services: list[ObservedService], before: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    known = {service["name"]: service.get("endpoint") for service in before}
    return _dump(
        [
            service.model_copy(update={"endpoint": known.get(service.name)})
            if service.labels and service.endpoint is None and service.state != ServiceState.RUNNING
            else service
            for service in services
        ]
    )


def _dump(services: list[ObservedService]) -> list[dict[str, Any]]:
    return [service.model_dump(mode="json") for service in services]
