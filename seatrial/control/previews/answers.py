"""Environments and deployments as programs see them, with a constant number of queries."""

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet, prefetch_related_objects
from ninja import Schema

from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.routes import urls
from seatrial.control.previews.waits import Wait, waits


class PhaseAnswer(Schema):
    """A timed part of a deployment; `seconds` is null while it lasts."""

    name: str
    seconds: float | None
    started_at: datetime
    failed: bool


class DeploymentAnswer(Schema):
    """One attempt to run one commit. `reason` is a stable word, `service` the one that failed.

    `message` says why it failed or, while it is under way, what it has been waiting for too long.
    """

    id: str
    state: str
    reason: str
    message: str
    service: str
    log_tail: list[str]
    commit: str
    phases: list[PhaseAnswer]
    warnings: list[str]
    isolation: str


class EnvironmentAnswer(Schema):
    """A preview. `commit` is the live one, or else the last one that was tried; `deployment` is the newest.

    `removed` is true when its agents have confirmed that nothing of it is left. If it was stopped while its pull
    request was open, `stop_cause` is the stable word for why, and `stopped_by` says who or what stopped it, for people.
    `waits_for` says for people what has to happen before it is as wanted; it is empty when nothing has to.
    """

    id: str
    name: str
    state: str
    commit: str
    number: int
    project: str
    urls: dict[str, str]
    page_url: str
    deployment: DeploymentAnswer | None
    live_commit: str | None
    stop_cause: str
    stopped_by: str
    removed: bool
    waits_for: str
    waiting_since: datetime | None


def answers(environments: QuerySet[Environment]) -> list[EnvironmentAnswer]:
    """The answers for `environments`, in their order."""
    rows = list(environments.select_related("live", "candidate", "pull_request"))
    newest = newest_deployments(row.pk for row in rows)
    prefetch_related_objects(list(newest.values()), "phases")
    waiting = waits(row.pk for row in rows)
    return [
        _answer(
            newest[row.pk].environment if row.pk in newest else row, newest.get(row.pk), waiting.get(row.pk)
        )
        for row in rows
    ]


def page_url(environment: Environment) -> str:
    """The environment's page."""
    return f"{settings.SITE_URL}/environments/{environment.pk}"


def _answer(environment: Environment, deployment: Deployment | None, wait: Wait | None) -> EnvironmentAnswer:
    live_commit = environment.live.commit if environment.live else None
    return EnvironmentAnswer(
        id=environment.pk,
        name=environment.name,
        state=environment.state,
        commit=live_commit or (deployment.commit if deployment else ""),
        number=environment.pull_request.number,
        project=environment.project_id,
        urls=urls(environment),
        page_url=page_url(environment),
        deployment=_deployment(deployment) if deployment else None,
        live_commit=live_commit,
        stop_cause=environment.stop_cause,
        stopped_by=environment.stopper,
        removed=environment.removed_at is not None,
        waits_for=wait.what if wait else "",
        waiting_since=wait.since if wait else None,
    )


def _deployment(deployment: Deployment) -> DeploymentAnswer:
    return DeploymentAnswer(
        id=deployment.pk,
        state=deployment.state,
        reason=deployment.reason,
        message=deployment.message,
        service=deployment.failed_service,
        log_tail=deployment.log_tail,
        commit=deployment.commit,
        phases=[
            PhaseAnswer(
                name=phase.name, seconds=phase.seconds, started_at=phase.started_at, failed=phase.failed
            )
            for phase in deployment.phases.all()
        ],
        warnings=deployment.warnings,
        isolation=deployment.isolation,
    )
