"""Everything on an environment's page, and a fingerprint that changes when it does."""

import shlex
from collections.abc import Hashable
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from seatrial.control.accounts.access import Action, allowed, find_visible, visible
from seatrial.control.accounts.models import Membership, User
from seatrial.control.dashboard.links import Link
from seatrial.control.moment import one_moment
from seatrial.control.policies.current import floats, inspections, newest_of
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import disk
from seatrial.control.previews.answers import RUNS
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.previews.pages.addresses import addresses
from seatrial.control.previews.pages.headline import headline
from seatrial.control.previews.pages.reasons import explanation
from seatrial.control.previews.pages.timeline import timeline
from seatrial.control.previews.recipes import FIRST, recipes
from seatrial.control.previews.routes import gated
from seatrial.control.previews.sleeping.services import progress, trouble
from seatrial.control.previews.waits import waits
from seatrial.control.previews.withheld import fix, why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState, Tier

SHOWN_DEPLOYMENTS = 10
AWAY = {AgentState.OFFLINE, AgentState.REVOKED}
IN_PROGRESS = {state for state in DeploymentState if not state.terminal}


def find_environment(user: User, key: str) -> Environment:
    """The environment, with all related rows that the page needs. Raises NotFound."""
    related = ("project__workspace", "project__connection", "pull_request", "live__agent", "candidate__agent")
    return find_visible(user, Environment, key, *related)


@one_moment()
def environment_context(user: User, key: str) -> dict[str, Any]:
    """The page's variables, all of one moment; a constant number of queries. Raises NotFound."""
    environment = find_environment(user, key)
    pull_request = environment.pull_request
    pull_request.project = environment.project  # with what was read of it
    reason = withheld(pull_request) if pull_request.state == PullRequestState.OPEN else None
    deployments = list(environment.deployments.order_by("-id")[:SHOWN_DEPLOYMENTS])
    newest = deployments[0] if deployments else None
    phases = list(newest.phases.all()) if newest else []
    shown_addresses = addresses(environment)
    agent = environment.shown_agent
    return {
        "environment": environment,
        "project": environment.project,
        "pull_request": pull_request,
        "dropped": environment.recipe not in recipes(environment.project),
        "withheld": why(reason, pull_request) if reason else "",
        "fix": fix(reason, pull_request) if reason else "",
        "face": headline(environment, newest),
        "newest": newest,
        "agent": agent,
        "agent_away": agent is not None and agent.state in AWAY and environment.removed_at is None,
        "failure": newest if newest and newest.state == DeploymentState.FAILED else None,
        "reason": explanation(newest.reason) if newest else None,
        "updating": newest is not None and newest.state in IN_PROGRESS and environment.live_id is not None,
        "warnings": newest.warnings if newest else [],
        "notes": newest.notes if newest else [],
        "detected": newest.detected if newest else None,
        "own_it": own_it(newest.recipe_folder) if newest else "",
        "wait": waits([environment.pk]).get(environment.pk),
        "waits_for_agent": newest is not None
        and newest.confirmed_at is not None
        and newest.state == DeploymentState.QUEUED
        and bool(newest.waits_for),
        "disk": disk.shown(environment),
        "addresses": shown_addresses,
        "wake_trouble": trouble(environment),
        "wake_progress": progress(environment) if environment.waking_since else "",
        "services": _services(environment, newest),
        "timeline": timeline(newest, phases, timezone.now()) if newest else None,
        "deployments": deployments,
        "log_headings": _log_headings(environment, deployments),
        "evaluation": _newest_evaluation(environment),
        "float": _newest_float(environment) if environment.recipe == FIRST else None,
        "beside": _beside(environment),
        "may": _may(user, environment),
    }


def own_it(folder: str) -> str:
    """The command that writes what was detected in this folder into a checkout."""
    return "seatrial recipe --write" + (f" --recipe {shlex.quote(folder)}" if folder else "")


def environment_fingerprint(user: User, key: str) -> Hashable | None:
    """Changes when the page does, and every second while a phase runs, so that its bar grows. Six to ten queries."""
    row = (
        visible(user, Environment)
        .filter(pk=key)
        .values_list(
            "state",
            "live_id",
            "candidate_id",
            "updated_at",
            "removed_at",
            "live__agent__state",
            "candidate__agent__state",
            "project__name",
            "pull_request__title",
            "pull_request__branch",
            "pull_request__state",
            "pull_request__draft",
            "pull_request__merged",
            "pull_request__labels",
            "pull_request__approved_by",
            "project__gone",
            "project__further_recipes",
            "candidate__waits_for",
            "pull_request_id",
        )
        .first()
    )
    if row is None:
        return None
    newest = (
        Deployment.objects.filter(environment=key)
        .order_by("-id")
        .values_list("id", "state", "reason", "message")
        .first()
    )
    evaluation = (
        Evaluation.objects.filter(pull_request=row[-1])
        .order_by("-id")
        .values_list("id", "state", "queued_at", "message", "waits_for")[:2]
    )
    others = (
        Environment.objects.filter(pull_request=row[-1]).order_by("recipe", "id").values_list("name", "state")
    )
    beside = (newest, tuple(evaluation), waits([key]).get(key), _roles(user), tuple(others))
    return (row, *beside, _phases_fingerprint(newest[0], newest[1]) if newest else None)


def _phases_fingerprint(deployment: str, state: str) -> Hashable:
    phases = DeploymentPhase.objects.filter(deployment=deployment).aggregate(
        Count("id"), ended=Count("seconds")
    )
    ticking = state in IN_PROGRESS and phases["id__count"] > phases["ended"]
    return tuple(phases.values()), int(timezone.now().timestamp()) if ticking else 0


def _roles(user: User) -> Hashable:
    """What decides over the buttons, beside the row."""
    roles = Membership.objects.filter(user=user).order_by("pk").values_list("workspace", "role")
    return user.is_superuser, tuple(roles)


def _may(user: User, environment: Environment) -> dict[str, bool]:
    """Which buttons there are."""
    pull_request = environment.pull_request
    extends = environment.state in RUNS and allowed(user, Action.EXTEND_PREVIEW, environment)
    wanted = pull_request.state == PullRequestState.OPEN and withheld(pull_request) is None
    wanted = wanted and environment.recipe in recipes(environment.project)
    return {
        "rebuild": wanted and allowed(user, Action.REBUILD_PREVIEW, environment),
        "stop": environment.state not in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}
        and allowed(user, Action.STOP_PREVIEW, environment),
        "reset_data": wanted
        and environment.state not in {EnvironmentState.STOPPED, EnvironmentState.TERMINATED}
        and allowed(user, Action.RESET_PREVIEW_DATA, environment),
        "save_data": environment.state == EnvironmentState.RUNNING
        and environment.candidate is None
        and not pull_request.from_fork
        and allowed(user, Action.MANAGE_PROJECTS, environment),
        "extend": extends and not environment.pinned,
        "pin": extends and not environment.pinned,
        "unpin": extends and environment.pinned,
        "sleep": extends and environment.state == EnvironmentState.RUNNING and environment.candidate is None,
        "wake": extends
        and environment.state == EnvironmentState.HIBERNATING
        and environment.waking_since is None,
        "invite": gated(environment) and allowed(user, Action.INVITE_GUEST, environment),
        "undo": environment.state == EnvironmentState.STOPPED
        and allowed(user, Action.STOP_PREVIEW, environment),
    }


def _log_headings(environment: Environment, deployments: list[Deployment]) -> list[Deployment]:
    """Those that log lines may be of: what is live may be older than all the others that are shown."""
    live = environment.live
    return deployments if live is None or live in deployments else [*deployments, live]


def _services(environment: Environment, newest: Deployment | None) -> list[dict[str, Any]]:
    """The services as last observed; before a first deployment is live, those that it made ready. None while it is stopped, or
    sleeps."""
    if environment.kept_id is not None or environment.tier != Tier.RUNNING:
        return []
    if environment.services:
        return list(environment.services)
    if environment.live is not None:
        return list(environment.live.services)
    return list(newest.services) if newest and newest.state in IN_PROGRESS else []


def _newest_evaluation(environment: Environment) -> Evaluation | None:
    return inspections(environment.pull_request.evaluations.all()).order_by("-id").first()


def _beside(environment: Environment) -> list[Environment]:
    """The living previews of the same pull request by other recipes."""
    rows = Environment.objects.filter(pull_request=environment.pull_request_id)
    others = rows.exclude(pk=environment.pk).exclude(state=EnvironmentState.TERMINATED)
    return list(others.order_by("recipe"))


def _newest_float(environment: Environment) -> Evaluation | None:
    return newest_of(floats(environment.pull_request.evaluations.all()))


def page_of_preview(pull_request: PullRequest) -> Link | None:
    """The link to the page of a pull request's newest preview, by its first recipe if it has several; None if it has none."""
    rows = Environment.objects.filter(pull_request=pull_request)
    newest = rows.order_by("recipe", "-created_at").first()
    if newest is None:
        return None
    return Link(newest.name, reverse("previews:environment", args=[newest.pk]))
