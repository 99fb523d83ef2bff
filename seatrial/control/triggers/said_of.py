"""What a commit says about its preview, under the name that branch protection may require: one decision from all rows."""

from collections.abc import Sequence

from django.conf import settings

from seatrial.control.forges.protocol import PreviewReport
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.recipes import FIRST, recipes
from seatrial.control.previews.routes import urls
from seatrial.control.previews.withheld import Withheld, why, withheld
from seatrial.control.projects.events import CheckOrder
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.wire.states import DeploymentState, EnvironmentState
from seatrial.wire.words import EventKind


def preview_of(project: Project, commit: str, *, begun: bool, recipe: str = FIRST) -> PreviewReport | None:
    """What `commit` says of its preview by `recipe`, whichever row changed last; None: nothing is to be said.

    `begun`: the forge was told, or may have been, something about it that promises more.

    A commit may be the newest of several pull requests, of one that gets a preview and of one that gets none, and in a merge
    queue as well. What counts, the first that there is:

    1. the newest deployment of an open pull request that has this commit and gets a preview
    2. why an open pull request that has this commit gets none
    3. that a merge queue needs none
    4. the newest deployment of a pull request that was closed, or, if it was `begun`, of one that has another commit now
    """
    rows = PullRequest.objects.filter(project=project, head_sha=commit, state=PullRequestState.OPEN)
    held = {one: withheld(one) for one in rows.select_related("project").order_by("number")}
    deployments = _deployments(project, commit, recipe)
    wanted = {one.pk for one, reason in held.items() if reason is None}
    newest = next((one for one in deployments if one.environment.pull_request_id in wanted), None)
    if newest is not None:
        return _deployed(newest, orders=recipe in recipes(project))
    for pull_request, reason in held.items():
        if reason is not None:
            return _withheld(pull_request, recipe, reason)
    if Evaluation.objects.filter(project=project, commit=commit, event=EventKind.MERGE_QUEUE).exists():
        return _needless(project, commit, recipe, "Not needed in a merge queue")
    past = [one for one in deployments if begun or one.environment.pull_request.head_sha == commit]
    return _deployed(past[0], orders=False) if past else None


def state_of(deployment: Deployment) -> DeploymentState:
    """To forges, a stop that can be undone is one like any other."""
    kept = deployment.environment.kept_id == deployment.pk
    return DeploymentState.SUPERSEDED if kept else DeploymentState(deployment.state)


def _deployments(project: Project, commit: str, recipe: str) -> Sequence[Deployment]:
    rows = Deployment.objects.filter(environment__project=project, environment__recipe=recipe, commit=commit)
    rows = rows.order_by("-id")
    return list(rows.select_related("environment__live", "environment__pull_request", "environment__project"))


def _deployed(deployment: Deployment, *, orders: bool) -> PreviewReport:
    environment = deployment.environment
    live = environment.live_id == deployment.pk
    state = state_of(deployment)
    return PreviewReport(
        commit=deployment.commit,
        number=environment.pull_request.number,
        state=state,
        description=deployment.shown_message or state,
        page_url=f"{settings.SITE_URL}/environments/{environment.pk}",
        urls=urls(environment) if live else {},
        orders=_orders(environment.state, live=live) if orders else (),
        recipe=environment.recipe,
    )


def _orders(state: str, *, live: bool) -> Sequence[CheckOrder]:
    if live and state not in (EnvironmentState.STOPPED, EnvironmentState.TERMINATED):
        return (CheckOrder.REBUILD, CheckOrder.STOP)
    return (CheckOrder.REBUILD,)


def _withheld(pull_request: PullRequest, recipe: str, reason: Withheld) -> PreviewReport:
    said = f"No preview: {why(reason, pull_request)}"
    return _needless(pull_request.project, pull_request.head_sha, recipe, said, number=pull_request.number)


def _needless(
    project: Project, commit: str, recipe: str, description: str, *, number: int | None = None
) -> PreviewReport:
    """The success of a preview that there is none of."""
    return PreviewReport(
        commit=commit,
        number=number,
        state=DeploymentState.LIVE,
        description=description,
        page_url=f"{settings.SITE_URL}/projects/{project.pk}",
        recipe=recipe,
    )
