"""Previews of pull requests, for people, forges and the reconciler. `previews.events` handles events of agents."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.previews import labels, lifecycle
from seatrial.control.previews.desired import desired
from seatrial.control.previews.errors import LabelsTaken, NoAddress, NothingToStop, PullRequestClosed
from seatrial.control.previews.events import failed, observed, phase, ready, recipe_read, removed
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.moves import lost_contact, move, place_waiting, plan_drain, tell
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.envelope import new_id
from seatrial.wire.hostnames import environment_name, hashed
from seatrial.wire.states import DeploymentState, EnvironmentState
from seatrial.wire.words import StopCause

__all__ = [
    "desired",
    "expire",
    "failed",
    "lost_contact",
    "move",
    "observed",
    "phase",
    "place_waiting",
    "plan_drain",
    "pull_request_changed",
    "ready",
    "rebuild",
    "recipe_read",
    "removed",
    "stop",
    "tell",
]


@transaction.atomic
def pull_request_changed(pull_request: PullRequest, *, received_at: datetime | None = None) -> str:
    """Make the preview what the stored pull request asks for; returns what was done, for people.

    Level-triggered and idempotent: it looks at the row, never at the event that changed it, so it may be called any
    number of times (by deliveries, by sweeps). A preview that a person stopped stays stopped until the next commit, or
    until the pull request is closed and opened again.
    """
    pull_request = (
        PullRequest.objects.select_for_update(of=("self",)).select_related("project").get(pk=pull_request.pk)
    )
    environment = _latest(pull_request)
    if pull_request.state == PullRequestState.CLOSED:
        return _closed(environment)
    if not pull_request.project.previews_enabled:
        return "previews are switched off for this project"
    if pull_request.from_fork:
        return "pull requests from forks get no preview"
    if environment is not None and _has(environment, pull_request.head_sha):
        return "nothing new for the preview"
    if environment is None or environment.state == EnvironmentState.TERMINATED:
        environment = _create(pull_request)
    deployment = lifecycle.begin(
        environment, commit=pull_request.head_sha, branch=pull_request.branch, received_at=received_at
    )
    return f"deployment {deployment.pk} of {environment.name}"


@transaction.atomic
def rebuild(environment: Environment, by: Actor) -> Deployment:
    """Deploy the same commit again, built without caches. A stopped preview starts as a new environment.

    Raises PullRequestClosed.
    """
    pull_request = PullRequest.objects.select_for_update(of=("self",)).get(pk=environment.pull_request_id)
    if pull_request.state == PullRequestState.CLOSED:
        raise PullRequestClosed(
            f"Pull request {pull_request.number} is closed. Reopen it to have a preview of it."
        )
    latest = _latest(pull_request)
    if latest is None or latest.state == EnvironmentState.TERMINATED:
        latest = _create(pull_request)
    _audit("environment.rebuild", latest, by)
    return lifecycle.begin(latest, commit=pull_request.head_sha, branch=pull_request.branch, no_cache=True)


@transaction.atomic
def stop(environment: Environment, by: Actor) -> None:
    """Remove the preview although its pull request is open. Raises NothingToStop when it is gone already."""
    current = lifecycle.locked(environment.pk)
    if current is None or current.state == EnvironmentState.TERMINATED:
        raise NothingToStop(f"{environment.name} is stopped already.")
    lifecycle.terminate(current, cause=StopCause.PERSON, stopped_by=str(by))
    _audit("environment.stop", current, by)


def expire() -> int:
    """Stop every preview that got no new commit during its project's time to live; returns how many."""
    overdue = Environment.objects.filter(expires_at__lt=timezone.now()).exclude(
        state=EnvironmentState.TERMINATED
    )
    stopped = 0
    for identity in overdue.order_by("pk").values_list("pk", flat=True):
        stopped += _expire(identity)
    return stopped


@transaction.atomic
def _expire(environment_id: str) -> bool:
    environment = lifecycle.locked(environment_id)
    if environment is None or environment.state == EnvironmentState.TERMINATED:
        return False
    if environment.expires_at is None or environment.expires_at >= timezone.now():
        return False  # a commit came meanwhile
    lifecycle.terminate(environment, cause=StopCause.TIME_TO_LIVE)
    _audit("environment.expire", environment, SYSTEM)
    return True


def _latest(pull_request: PullRequest) -> Environment | None:
    newest = Environment.objects.filter(pull_request=pull_request).order_by("-id").first()
    return lifecycle.locked(newest.pk) if newest is not None else None


def _closed(environment: Environment | None) -> str:
    if environment is None:
        return "closed; there was no preview"
    if environment.state == EnvironmentState.TERMINATED:
        if environment.stop_cause:  # so that it comes back if the pull request is opened again
            environment.stop_cause = environment.stopped_by = ""
            environment.save(update_fields=["stop_cause", "stopped_by"])
        return "closed; the preview is gone already"
    lifecycle.terminate(environment)
    return f"closed; {environment.name} is being removed"


def _has(environment: Environment, commit: str) -> bool:
    """True when `commit` needs no deployment: it was the last one deployed here, whether that succeeded or not."""
    if environment.state == EnvironmentState.TERMINATED and not environment.stop_cause:
        return False
    states = [DeploymentState.SUPERSEDED, DeploymentState.CANCELLED]
    deployments = environment.deployments.order_by("-id")
    if environment.state != EnvironmentState.TERMINATED:
        deployments = deployments.exclude(state__in=states)
    newest = deployments.first()
    return newest is not None and newest.commit == commit


def _create(pull_request: PullRequest) -> Environment:
    """Make an environment: under the name of the last one, or else the first name that is free.

    The caller holds the pull request's row lock.
    """
    project = pull_request.project
    before = Environment.objects.filter(pull_request=pull_request).order_by("-id").first()
    names = [] if before is None else [before.name]
    names.append(environment_name(pull_request.number, project.slug))
    # For when a repository of the same name, in another workspace, has the name. The last one is random, so it is free.
    names += [
        environment_name(pull_request.number, f"{project.slug}-{hashed(of)}") for of in (project.pk, new_id())
    ]
    for name in names:
        try:
            with transaction.atomic():
                return _claimed(Environment(project=project, pull_request=pull_request, name=name))
        except (LabelsTaken, IntegrityError) as error:
            taken = error
    raise NoAddress(f"None of the addresses for pull request {pull_request.number} is free.") from taken


def _claimed(environment: Environment) -> Environment:
    environment.save(force_insert=True)
    labels.claim(environment, [environment.name])
    return environment


def _audit(action: str, environment: Environment, by: Actor) -> None:
    audit.record(action, f"environment/{environment.name}", by=by, workspace=environment.project.workspace_id)
