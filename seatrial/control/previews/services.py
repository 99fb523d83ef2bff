"""Previews of pull requests, for people, forges and the reconciler. `previews.events` handles events of agents."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.previews import confirming, labels, lifecycle
from seatrial.control.previews.desired import desired
from seatrial.control.previews.draining import departures, drain, leave_draining, plan_drain
from seatrial.control.previews.errors import (
    LabelsTaken,
    NoAddress,
    NothingToReset,
    NothingToStop,
    NothingToUndo,
    PreviewWithheld,
    PullRequestClosed,
)
from seatrial.control.previews.events import failed, observed, phase, ready, recipe_read, removed
from seatrial.control.previews.lifetimes import expire, extend, pin, unpin
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.moves import lost_contact, move, place_waiting, tell
from seatrial.control.previews.recipes import names, recipes
from seatrial.control.previews.sleeping.services import sleep, wake
from seatrial.control.previews.withheld import fix, why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.envelope import new_id
from seatrial.wire.states import DeploymentState, EnvironmentState
from seatrial.wire.words import StopCause

__all__ = [
    "departures",
    "desired",
    "drain",
    "expire",
    "extend",
    "failed",
    "leave_draining",
    "lost_contact",
    "move",
    "observed",
    "phase",
    "pin",
    "place_waiting",
    "plan_drain",
    "pull_request_changed",
    "ready",
    "rebuild",
    "recipe_read",
    "removed",
    "reset_data",
    "sleep",
    "stop",
    "tell",
    "undo",
    "unpin",
    "wake",
]


@transaction.atomic
def pull_request_changed(pull_request: PullRequest, *, received_at: datetime | None = None) -> str:
    """Make the preview of each recipe what the stored pull request asks for; returns what was done, for people.

    Level-triggered and idempotent: it looks at the row, never at the event that changed it, so it may be called any
    number of times (by deliveries, by sweeps). A preview that a person stopped stays stopped until the next commit, or
    until the pull request is closed and opened again. If that commit comes while the stop can be undone, it is.
    """
    pull_request = (
        PullRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project__connection")
        .get(pk=pull_request.pk)
    )
    latest = _latest_of_each(pull_request)
    if pull_request.state == PullRequestState.CLOSED:
        return _said(map(_closed, latest.values())) or "closed; there was no preview"
    wanted = recipes(pull_request.project)
    dropped = [one for recipe, one in latest.items() if recipe not in wanted]
    said = [_dropped(one) for one in dropped if one.state != EnvironmentState.TERMINATED]
    return _said(
        [*(_follow(pull_request, recipe, latest.get(recipe), received_at) for recipe in wanted), *said]
    )


def _said(parts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(parts))


def _follow(
    pull_request: PullRequest,
    recipe: str,
    environment: Environment | None,
    received_at: datetime | None = None,
) -> str:
    reason = withheld(pull_request)
    if reason is not None:
        return _withheld(environment, why(reason, pull_request))
    if environment is not None and _has(environment, pull_request.head_sha):
        return "nothing new for the preview"
    environment = _back(pull_request, recipe, environment)
    deployment = lifecycle.begin(
        environment, commit=pull_request.head_sha, branch=pull_request.branch, received_at=received_at
    )
    return f"deployment {deployment.pk} of {environment.name}"


def _dropped(environment: Environment) -> str:
    """End it: its project has no such recipe any more. It comes back if that does."""
    lifecycle.terminate(environment)
    return f"its recipe is gone; {environment.name} is being removed"


def _withheld(environment: Environment | None, reason: str) -> str:
    """End what runs. It has no cause of its own, so that the preview comes back once there is no reason against it."""
    if environment is None or environment.state == EnvironmentState.TERMINATED:
        return f"no preview: {reason}"
    lifecycle.terminate(environment)
    return f"no preview: {reason}; {environment.name} is being removed"


@transaction.atomic
def rebuild(environment: Environment, by: Actor) -> Deployment:
    """Deploy the same commit again, built without caches. A stop is undone, so that its data stays; if that is no longer
    possible, the preview starts as a new environment.

    Raises PullRequestClosed, PreviewWithheld.
    """
    pull_request = _open_pull_request(environment)
    latest = _back(pull_request, environment.recipe, _latest(pull_request, environment.recipe))
    _audit("environment.rebuild", latest, by)
    return lifecycle.begin(latest, commit=pull_request.head_sha, branch=pull_request.branch, no_cache=True)


@transaction.atomic
def reset_data(environment: Environment, by: Actor) -> Deployment:
    """Empty the data of the preview, and deploy the newest commit to it, which seeds it again. Until that is live, visitors
    are told that the preview comes up.

    Raises NothingToReset when it is stopped or gone, PullRequestClosed, PreviewWithheld.
    """
    pull_request = _open_pull_request(environment)
    current = lifecycle.locked(environment.pk)
    if current is None or current.state in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}:
        raise NothingToReset(f"{environment.name} does not run. Rebuild it, or push a commit.")
    lifecycle.empty_data(current)
    _audit("environment.reset_data", current, by)
    return lifecycle.begin(current, commit=pull_request.head_sha, branch=pull_request.branch)


@transaction.atomic
def stop(environment: Environment, by: Actor) -> None:
    """Stop the preview although its pull request is open. Raises NothingToStop when it is stopped or gone already.

    For GALLEY_UNDO_SECONDS that can be undone, and everything that belongs to the live deployment is kept. If nothing is
    live there is nothing to keep, and everything is removed at once.
    """
    current = lifecycle.locked(environment.pk)
    if current is None or current.state in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}:
        raise NothingToStop(f"{environment.name} is stopped already.")
    undo = timedelta(seconds=settings.CONFIGURATION.galley_undo_seconds)
    if current.live is not None and undo:
        lifecycle.stop(current, until=timezone.now() + undo, by=str(by))
    else:
        lifecycle.terminate(current, cause=StopCause.PERSON, stopped_by=str(by))
    _audit("environment.stop", current, by)


@transaction.atomic
def undo(environment: Environment, by: Actor) -> None:
    """Undo the stop of the preview: it runs again as it was, with its data.

    If the pull request has a newer commit than what was live, that is deployed beside it. It is possible as long as
    everything is kept: until `expire` has ended the environment, a moment after `undo_until`. Nothing is built, so nobody
    waits for the forge; it is asked meanwhile, and ends the preview if the pull request is closed.

    Raises NothingToUndo, PullRequestClosed, PreviewWithheld.
    """
    pull_request = _open_pull_request(environment)
    current = lifecycle.locked(environment.pk)
    if current is None or current.state != EnvironmentState.STOPPED:
        raise NothingToUndo(_why_not(current or environment))
    lifecycle.resume(current)
    _audit("environment.undo", current, by)
    confirming.ask_again(current)
    _follow(pull_request, current.recipe, current)


def _why_not(environment: Environment) -> str:
    if environment.state != EnvironmentState.TERMINATED:
        return f"{environment.name} is not stopped."
    return f"{environment.name} is no longer kept, and its data is removed. Rebuild, or push a commit, to start it anew."


def _open_pull_request(environment: Environment) -> PullRequest:
    """The environment's pull request, locked. Raises PullRequestClosed, PreviewWithheld."""
    rows = PullRequest.objects.select_for_update(of=("self",), no_key=True).select_related(
        "project__connection"
    )
    pull_request = rows.get(pk=environment.pull_request_id)
    if pull_request.state == PullRequestState.CLOSED:
        raise PullRequestClosed(
            f"Pull request {pull_request.number} is closed. Reopen it to have a preview of it."
        )
    reason = withheld(pull_request)
    if reason is not None:
        raise PreviewWithheld(
            f"Pull request {pull_request.number} gets no preview: {why(reason, pull_request)}. {fix(reason, pull_request)}"
        )
    if environment.recipe not in recipes(pull_request.project):
        raise PreviewWithheld(
            f"{environment.name} is not wanted any more: its project has no recipe {environment.recipe}. An admin of the workspace "
            "can name it again in the project's settings."
        )
    return pull_request


def _back(pull_request: PullRequest, recipe: str, latest: Environment | None) -> Environment:
    """The pull request's environment of the recipe, to which something is about to be deployed: a stop is undone."""
    if latest is None or latest.state == EnvironmentState.TERMINATED:
        return _create(pull_request, recipe)
    if latest.state == EnvironmentState.STOPPED:
        lifecycle.resume(latest)
    return latest


def _latest(pull_request: PullRequest, recipe: str) -> Environment | None:
    rows = Environment.objects.filter(pull_request=pull_request, recipe=recipe).order_by("-id")
    newest = rows.values_list("pk", flat=True).first()
    return lifecycle.locked(newest) if newest is not None else None


def _latest_of_each(pull_request: PullRequest) -> dict[str, Environment]:
    """The newest environment of each recipe that ever had one, locked: by recipe."""
    rows = Environment.objects.filter(pull_request=pull_request).order_by("recipe", "-id").distinct("recipe")
    found = [lifecycle.locked(key) for key in sorted(rows.values_list("pk", flat=True))]
    return {one.recipe: one for one in found if one is not None}


def _closed(environment: Environment) -> str:
    if environment.state == EnvironmentState.TERMINATED:
        if environment.stop_cause:  # so that it comes back if the pull request is opened again
            environment.stop_cause = environment.stopped_by = ""
            environment.save(update_fields=["stop_cause", "stopped_by"])
        return "closed; the preview is gone already"
    lifecycle.terminate(environment)
    return f"closed; {environment.name} is being removed"


def _has(environment: Environment, commit: str) -> bool:
    """True when `commit` needs no deployment: it was the last one deployed here, whether that succeeded or not.

    In one that somebody stopped, also if that was cancelled: it stays stopped until there is another commit.
    """
    over = environment.state in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}
    if over and not environment.stop_cause:
        return False
    states = [DeploymentState.SUPERSEDED, DeploymentState.CANCELLED]
    deployments = environment.deployments.order_by("-id")
    if not over:
        deployments = deployments.exclude(state__in=states)
    newest = deployments.first()
    return newest is not None and newest.commit == commit


def _create(pull_request: PullRequest, recipe: str) -> Environment:
    """Make an environment of the recipe: under the name of the last one, or else the first name that is free.

    The caller holds the pull request's row lock.
    """
    project = pull_request.project
    before = Environment.objects.filter(pull_request=pull_request, recipe=recipe).order_by("-id").first()
    same = [] if before is None else [before.name]
    # For when a repository of the same name, in another workspace, has the name. The last one is random, so it is free.
    for name in [*same, *names(pull_request, recipe, project.pk, new_id())]:
        try:
            with transaction.atomic():
                return _claimed(
                    Environment(project=project, pull_request=pull_request, recipe=recipe, name=name)
                )
        except (LabelsTaken, IntegrityError) as error:
            taken = error
    raise NoAddress(f"None of the addresses for pull request {pull_request.number} is free.") from taken


def _claimed(environment: Environment) -> Environment:
    environment.save(force_insert=True)
    labels.claim(environment, [environment.name])
    return environment


def _audit(action: str, environment: Environment, by: Actor) -> None:
    audit.record(action, f"environment/{environment.name}", by=by, workspace=environment.project.workspace_id)
