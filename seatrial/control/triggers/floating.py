"""Has live policies look at the preview of a pull request, whichever of its rows changed last: one decision from all of them.

| the newest commit of the pull request                       | its evaluation                      |
|-------------------------------------------------------------|-------------------------------------|
| gets no preview                                             | skipped, with the reason            |
| has a deployment under way                                  | waits for the preview               |
| has a deployment that is live                               | runs                                |
| has one that failed                                         | errored: nobody knows               |
| has one that was stopped or replaced before it was live     | skipped, with the reason            |

Each deployment has an evaluation of its own, so a rebuild is looked at again. Of a project with several recipes, the preview by the
first one is looked at.
"""

from django.db import transaction

from seatrial.control.policies import floats
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.recipes import FIRST
from seatrial.control.previews.withheld import why, withheld
from seatrial.control.projects.models import PullRequest, PullRequestState
from seatrial.wire.states import DeploymentState, EnvironmentState

STOPPED = "The preview was stopped, so there is nothing to look at. Rebuild it to have it looked at."
OVER = (DeploymentState.SUPERSEDED, DeploymentState.CANCELLED)


@refs_are_matched
def float_preview(body: dict[str, str]) -> None:
    """Make the evaluation of the preview of the pull request in `body` what it should be now. Idempotent; asks no forge."""
    rows = PullRequest.objects.select_related("project").filter(pk=body["pull_request"])
    with transaction.atomic():
        pull_request = rows.filter(state=PullRequestState.OPEN).first()
        if pull_request is not None and pull_request.project.archived_at is None:
            _settle(pull_request)


def _settle(pull_request: PullRequest) -> None:
    reason = withheld(pull_request)
    deployment = None if reason is not None else _newest(pull_request)
    if reason is None and deployment is None:
        return  # it will have one
    evaluation = floats.of_deployment(pull_request, deployment.pk if deployment is not None else "")
    if evaluation is None:
        return
    if deployment is not None:
        _by_deployment(evaluation, deployment)
    elif reason is not None:
        floats.skip(evaluation, f"No preview: {why(reason, pull_request)}.")


def _newest(pull_request: PullRequest) -> Deployment | None:
    rows = Deployment.objects.filter(
        environment__pull_request=pull_request, environment__recipe=FIRST, commit=pull_request.head_sha
    )
    return rows.select_related("environment").order_by("-id").first()


def _by_deployment(evaluation: Evaluation, deployment: Deployment) -> None:
    environment, state = deployment.environment, DeploymentState(deployment.state)
    if state is DeploymentState.FAILED:
        floats.cannot(evaluation, f"The preview failed: {deployment.message}")
    elif state in OVER or environment.state in (EnvironmentState.STOPPED, EnvironmentState.TERMINATED):
        floats.skip(evaluation, STOPPED)
    elif environment.live_id == deployment.pk:
        floats.begin(evaluation)
