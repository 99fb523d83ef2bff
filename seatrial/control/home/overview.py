"""What the start page and a project's page show, and fingerprints that change when it does."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from seatrial.control.accounts.access import Action, allowed, find_visible, visible
from seatrial.control.accounts.models import User
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.sentences import Sentence, worrying
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.drift import drifted
from seatrial.control.forges.models import Drift
from seatrial.control.home.begun import begun
from seatrial.control.home.connections import connections_context, connections_fingerprint
from seatrial.control.home.sample import SAMPLE_RECIPE
from seatrial.control.home.setup_page import unfinished
from seatrial.control.moment import one_moment
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.rollout.choosing import running_in
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.policies.scores.trends import USUAL_DAYS, of_projects
from seatrial.control.previews.counts import placed_on_agents, tally
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.pages.cards import Card, cards
from seatrial.control.previews.totals import usages
from seatrial.control.previews.waits import waits
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.wire.states import AgentState, EnvironmentState, EvaluationState

MOST_CARDS = 200
OF_PROJECT = (
    "unreachable",
    "gone",
    "previews_enabled",
    "previews_of_drafts",
    "previews_need_label",
    "previews_of_forks",
    "archived_at",
    "removal_asked_at",
    "name",
    "hook__problem",
    "hook__checked_at",
)
APPROVED = Q(approved_sha=F("head_sha"))


@dataclass
class Groups:
    """Cards by how urgent they are. Each card is in the first group that fits."""

    failing: list[Card] = field(default_factory=list)
    busy: list[Card] = field(default_factory=list)
    live: list[Card] = field(default_factory=list)
    other: list[Card] = field(default_factory=list)


def group(cards_shown: list[Card]) -> Groups:
    """Sort cards into their groups, keeping their order."""
    groups = Groups()
    for card in cards_shown:
        if card.failing:
            groups.failing.append(card)
        elif card.busy:
            groups.busy.append(card)
        elif card.environment is not None and card.environment.state == EnvironmentState.RUNNING:
            groups.live.append(card)
        else:
            groups.other.append(card)
    return groups


def open_pull_requests(user: User, project: str = "") -> QuerySet[PullRequest]:
    """Open pull requests that `user` may see, most recently changed first."""
    rows = visible(user, PullRequest).filter(state=PullRequestState.OPEN, project__archived_at=None)
    if project:
        rows = rows.filter(project=project)
    return rows.order_by("-changed_at", "-id")


@one_moment()
def home_context(user: User) -> dict[str, Any]:
    """Everything on the start page, of one moment."""
    rows = open_pull_requests(user)
    shown = cards(rows, user=user, limit=MOST_CARDS)
    agents = list(visible(user, Agent).exclude(state=AgentState.REVOKED).order_by("name"))
    placed = placed_on_agents()
    return {
        "groups": group(shown),
        "tally": tally(visible(user, Environment)),
        "shown": len(shown),
        "count": rows.count(),
        "drifted": drifted(visible(user, Drift)),
        "any_project": bool(shown) or visible(user, Project).filter(archived_at=None).exists(),
        **connections_context(user),
        "setup": unfinished(user),
        "worrying": _worrying(user),
        "agents": len(agents),
        "agents_online": sum(agent.state == AgentState.ONLINE for agent in agents),
        "troubled": [
            (agent, placed.get(agent.pk, 0))
            for agent in agents
            if agent.state == AgentState.OFFLINE or agent.heartbeat.get("warnings")
        ],
    }


@one_moment()
def project_context(user: User, key: str) -> dict[str, Any]:
    """Everything on a project's page, of one moment. Raises NotFound."""
    project = find_visible(user, Project, key, "workspace", "connection")
    pulls = open_pull_requests(user, project.pk)
    shown = cards(pulls, user=user, limit=MOST_CARDS)
    manages = allowed(user, Action.MANAGE_PROJECTS, project)
    return {
        "project": project,
        "drifted": drifted(visible(user, Drift).filter(project=project)),
        "may_manage": manages,
        "may_view_variables": manages or allowed(user, Action.VIEW_VARIABLES, project),
        "may_rescan": not (project.archived_at or project.gone)
        and allowed(user, Action.RUN_EVALUATION, project),
        "one": None if shown else begun(user, [project])[0],
        "sample_recipe": SAMPLE_RECIPE,
        "used": usages(project),
        "policies": running_in(project, asked_at=timezone.now()),
        "trend": of_projects([project], USUAL_DAYS)[0],
        "cards": shown,
        "count": pulls.count(),
        "closed": cards(
            visible(user, PullRequest)
            .filter(project=project, state=PullRequestState.CLOSED)
            .order_by("-changed_at", "-id"),
            user=user,
            limit=10,
        ),
        "evaluations": list(
            visible(user, Evaluation).filter(project=project, pull_request=None).order_by("-id")[:10]
        ),
    }


def fingerprint(user: User, project: str = "") -> Hashable | None:
    """Changes whenever the start page would look different, or, with `project` (an id), that project's page."""
    beside: Hashable
    pulls = visible(user, PullRequest)
    environments, deployments = visible(user, Environment), visible(user, Deployment)
    evaluations = visible(user, Evaluation)
    drifts = visible(user, Drift)
    if not project:
        open_ones = open_pull_requests(user).values("id")
        pulls = pulls.filter(id__in=open_ones)
        environments = environments.filter(pull_request__in=open_ones)
        deployments = deployments.filter(environment__pull_request__in=open_ones)
        evaluations = evaluations.filter(pull_request__in=open_ones)
        beside = (_agents(user), connections_fingerprint(user), unfinished(user), tuple(_worrying(user)))
    else:
        beside = visible(user, Project).filter(pk=project).values_list(*OF_PROJECT).first()
        if beside is None:
            return None
        pulls, environments = pulls.filter(project=project), environments.filter(project=project)
        drifts = drifts.filter(project=project)
        deployments = deployments.filter(environment__project=project)
        evaluations = evaluations.filter(project=project)
        beside = (beside, _score(project))
    queued = evaluations.filter(state=EvaluationState.QUEUED).order_by("pk")
    return (
        beside,
        tuple(drifted(drifts)),
        tuple(pulls.aggregate(Count("id"), Max("changed_at"), approved=Count("id", APPROVED)).values()),
        tuple(environments.aggregate(Count("id"), Max("updated_at")).values()),
        _states(deployments, "created_at", "finished_at"),
        _states(evaluations, "started_at", "finished_at"),
        tuple(sorted(waits(environments.values_list("pk", flat=True)).items())),
        tuple(queued.values_list("pk", "queued_at", "waits_for")),
    )


def _score(project: str) -> Hashable:
    """Today's score, as the page shows it."""
    shown = ("day", "score", "passed", "failed", "waived", "errored", "basis")
    return DailyScore.objects.filter(project=project).order_by("-day").values_list(*shown).first()


def _worrying(user: User) -> list[Sentence]:
    """Certificates that the instance admin should look after."""
    return worrying(visible(user, Served).order_by("name"), timezone.now())


def _states(rows: QuerySet[Any], *moments: str) -> Hashable:
    """How many rows are in each state, and for each state the latest of `moments`."""
    return tuple(rows.values_list("state").order_by("state").annotate(Count("id"), *map(Max, moments)))


def _agents(user: User) -> str:
    """States and warnings, as the start page names them."""
    rows = visible(user, Agent).order_by("pk").values_list("pk", "state", "heartbeat__warnings")
    return repr(list(rows))
