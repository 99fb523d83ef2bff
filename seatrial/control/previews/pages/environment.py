"""Everything on an environment's page, and a fingerprint that changes when it does."""

from collections.abc import Hashable
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from seatrial.control.accounts.access import find_visible, visible
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.links import Link
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.admission import shortages
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.previews.pages.addresses import addresses
from seatrial.control.previews.pages.headline import headline
from seatrial.control.previews.pages.reasons import explanation
from seatrial.control.previews.pages.timeline import timeline
from seatrial.control.projects.models import PullRequest
from seatrial.wire.remarks import is_remark
from seatrial.wire.states import AgentState, DeploymentState

SHOWN_DEPLOYMENTS = 10
AWAY = {AgentState.OFFLINE, AgentState.REVOKED}
IN_PROGRESS = {state for state in DeploymentState if not state.terminal}


def find_environment(user: User, key: str) -> Environment:
    """The environment, with all related rows that the page needs. Raises NotFound."""
    related = ("project__workspace", "pull_request", "live__agent", "candidate__agent")
    return find_visible(user, Environment, key, *related)


def environment_context(environment: Environment) -> dict[str, Any]:
    """The page's variables; a constant number of queries."""
    deployments = list(environment.deployments.order_by("-id")[:SHOWN_DEPLOYMENTS])
    newest = deployments[0] if deployments else None
    phases = list(newest.phases.all()) if newest else []
    shown_addresses = addresses(environment)
    agent = environment.shown_agent
    said = newest.warnings if newest else []
    return {
        "environment": environment,
        "project": environment.project,
        "pull_request": environment.pull_request,
        "face": headline(environment, newest),
        "newest": newest,
        "agent": agent,
        "agent_away": agent is not None and agent.state in AWAY and environment.removed_at is None,
        "failure": newest if newest and newest.state == DeploymentState.FAILED else None,
        "reason": explanation(newest.reason) if newest else None,
        "updating": newest is not None and newest.state in IN_PROGRESS and environment.live_id is not None,
        "warnings": [one for one in said if not is_remark(one)],
        "remarks": [one for one in said if is_remark(one)],
        "shortage": shortages([environment]).get(environment.pk, ""),
        "current_phase": next((phase.name for phase in reversed(phases) if phase.seconds is None), ""),
        "addresses": shown_addresses,
        "services": _services(environment, newest),
        "timeline": timeline(newest, phases, timezone.now()) if newest else None,
        "deployments": deployments,
        "evaluation": _newest_evaluation(environment),
    }


def environment_fingerprint(user: User, key: str) -> Hashable | None:
    """Changes when the page does, and every second while a phase runs, so that its bar grows. Three to six queries."""
    row = (
        visible(user, Environment)
        .filter(pk=key)
        .values_list(
            "state",
            "live_id",
            "candidate_id",
            "updated_at",
            "live__agent__state",
            "candidate__agent__state",
            "candidate__message",
            "candidate__admitted_at",
            "pull_request_id",
        )
        .first()
    )
    if row is None:
        return None
    newest = (
        Deployment.objects.filter(environment=key)
        .order_by("-id")
        .values_list("id", "state", "reason")
        .first()
    )
    evaluation = (
        Evaluation.objects.filter(pull_request=row[-1]).order_by("-id").values_list("id", "state").first()
    )
    if newest is None:
        return (row, evaluation)
    phases = DeploymentPhase.objects.filter(deployment=newest[0]).aggregate(
        Count("id"), ended=Count("seconds")
    )
    held = row[2] is not None and row[-2] is None
    ticking = newest[1] in IN_PROGRESS and phases["id__count"] > phases["ended"]
    return (
        row,
        newest,
        tuple(phases.values()),
        evaluation,
        _shortage(key) if held else "",
        int(timezone.now().timestamp()) if ticking else 0,
    )


def _shortage(key: str) -> str:
    rows = Environment.objects.select_related("candidate", "project").filter(pk=key)
    return shortages(list(rows)).get(key, "")


def _services(environment: Environment, newest: Deployment | None) -> list[dict[str, Any]]:
    """The services as last observed; before a first deployment is live, those that it made ready."""
    if environment.services:
        return list(environment.services)
    if environment.live is not None:
        return list(environment.live.services)
    return list(newest.services) if newest and newest.state in IN_PROGRESS else []


def _newest_evaluation(environment: Environment) -> Evaluation | None:
    return environment.pull_request.evaluations.order_by("-id").first()


def page_of_preview(pull_request: PullRequest) -> Link | None:
    """The link to the page of a pull request's newest preview; None if it has no preview."""
    newest = Environment.objects.filter(pull_request=pull_request).order_by("-created_at").first()
    if newest is None:
        return None
    return Link(newest.name, reverse("previews:environment", args=[newest.pk]))
