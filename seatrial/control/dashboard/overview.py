"""What the start page and a project's page show, and when it changes."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Max, QuerySet

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.cards import Card, cards
from seatrial.control.fleet.models import Agent
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Project, PullRequest, PullRequestState


@dataclass
class Groups:
    """Cards by what they ask of their reader: each is in the first group that fits."""

    failing: list[Card] = field(default_factory=list)
    busy: list[Card] = field(default_factory=list)
    live: list[Card] = field(default_factory=list)
    other: list[Card] = field(default_factory=list)


def group(found: list[Card]) -> Groups:
    """Sort cards into their groups, keeping their order."""
    groups = Groups()
    for card in found:
        if card.failing:
            groups.failing.append(card)
        elif card.busy:
            groups.busy.append(card)
        elif card.face.word == "Running":
            groups.live.append(card)
        else:
            groups.other.append(card)
    return groups


def open_pull_requests(user: User, project: Project | None = None) -> QuerySet[PullRequest]:
    """Open pull requests that `user` may see, most recently changed first."""
    rows = visible(user, PullRequest).filter(state=PullRequestState.OPEN, project__archived_at=None)
    if project is not None:
        rows = rows.filter(project=project)
    return rows.order_by("-changed_at", "-id")


def home_context(user: User) -> dict[str, Any]:
    """Everything on the start page."""
    found = cards(open_pull_requests(user))
    return {
        "groups": group(found),
        "count": len(found),
        "any_project": bool(found) or visible(user, Project).exists(),
        "agents_online": Agent.objects.filter(state="online").count(),
        "agents": Agent.objects.exclude(state="revoked").count(),
    }


def project_context(user: User, project: Project) -> dict[str, Any]:
    """Everything on a project's page."""
    return {
        "project": project,
        "cards": cards(open_pull_requests(user, project)),
        "closed": cards(
            visible(user, PullRequest)
            .filter(project=project, state=PullRequestState.CLOSED)
            .order_by("-changed_at", "-id"),
            limit=10,
        ),
        "evaluations": list(
            visible(user, Evaluation).filter(project=project, pull_request=None).order_by("-id")[:10]
        ),
    }


def fingerprint(user: User, project: Project | None = None) -> Hashable | None:
    """Changes whenever a card of these pages would."""
    pulls, environments, deployments, evaluations = (
        visible(user, PullRequest),
        visible(user, Environment),
        visible(user, Deployment),
        visible(user, Evaluation),
    )
    if project is not None:
        now = visible(user, Project).filter(pk=project.pk).values_list("unreachable", flat=True).first()
        if now is None:
            return None
        project.unreachable = now
        pulls, environments = pulls.filter(project=project), environments.filter(project=project)
        deployments = deployments.filter(environment__project=project)
        evaluations = evaluations.filter(project=project)
    return (
        project.unreachable if project is not None else "",
        _values(pulls.aggregate(Count("id"), Max("changed_at"))),
        _values(environments.aggregate(Count("id"), Max("updated_at"))),
        tuple(deployments.order_by("-id").values_list("id", "state")[:20]),
        tuple(evaluations.order_by("-id").values_list("id", "state")[:20]),
    )


def _values(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.values())
