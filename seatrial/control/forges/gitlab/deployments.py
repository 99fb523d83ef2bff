"""Shows a preview on its merge request, as one of GitLab's environments: its address, and when it is gone."""

import structlog

from seatrial.control.forges.gitlab.answers import Deployment, Environment, Made, MergeRequest
from seatrial.control.forges.gitlab.client import GitLabClient, NotAccepted, NotAllowed, of_project
from seatrial.control.forges.gitlab.statuses import StatusState
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import DeploymentReport
from seatrial.control.projects.models import Project
from seatrial.wire.states import DeploymentState

log = structlog.get_logger(__name__)

FOLDER = "review/"  # GitLab's own name for what a merge request may be tried in
TIER = "development"
STOPPED = "stopped"
# A queued deployment is none yet.
STATES = {
    DeploymentState.BUILDING: StatusState.RUNNING,
    DeploymentState.STARTING: StatusState.RUNNING,
    DeploymentState.LIVE: StatusState.SUCCESS,
    DeploymentState.FAILED: StatusState.FAILED,
    DeploymentState.SUPERSEDED: StatusState.CANCELED,
    DeploymentState.CANCELLED: StatusState.CANCELED,
}


def show(client: GitLabClient, project: Project, report: DeploymentReport) -> None:
    """Have GitLab list the preview as it is. Sending it again changes nothing.

    Where GitLab lists no environments for us (the project has them switched off, or the branch is in a fork), it does not:
    the status and the comment say the same.
    """
    try:
        _show(client, project, report)
    except (NoSuchThing, NotAllowed, NotAccepted) as error:
        log.warning("preview not listed as an environment", project=project.slug, error=str(error))


def _show(client: GitLabClient, project: Project, report: DeploymentReport) -> None:
    path, name = of_project(project.external_id), f"{FOLDER}{report.environment}"
    there = next(iter(client.pages(f"{path}/environments", Environment, {"name": name})), None)
    if report.ended:
        if there is not None and there.state != STOPPED:
            client.send("POST", f"{path}/environments/{there.id}/stop", {"force": True}, Made)
        return
    state = STATES.get(report.state)
    if state is None:
        return
    address = next(iter(report.urls.values()), "")
    shown = {"external_url": address} if address else {}
    if there is None:
        client.send("POST", f"{path}/environments", {"name": name, "tier": TIER, **shown}, Made)
    elif address and there.external_url != address:
        client.send("PUT", f"{path}/environments/{there.id}", shown, Made)
    _deploy(client, path, name, report, state, again=there is not None and there.state == STOPPED)


def _deploy(
    client: GitLabClient, path: str, name: str, report: DeploymentReport, state: StatusState, *, again: bool
) -> None:
    """Have the environment's newest deployment be of this commit, in this state.

    `again`: the environment was stopped, and only another deployment starts it.
    """
    query = {"environment": name, "order_by": "id", "sort": "desc"}
    newest = next(iter(client.pages(f"{path}/deployments", Deployment, query)), None)
    if newest is not None and newest.sha == report.commit and not again:
        if newest.status == state:
            return
        if newest.status == StatusState.RUNNING:
            client.send("PUT", f"{path}/deployments/{newest.id}", {"status": str(state)}, Made)
            return
    elif newest is not None and newest.status == StatusState.RUNNING:
        replaced = {"status": str(StatusState.CANCELED)}
        client.send("PUT", f"{path}/deployments/{newest.id}", replaced, Made)
    if state is StatusState.CANCELED:
        return  # of one that was not shown
    branch = client.get(f"{path}/merge_requests/{report.number}", MergeRequest).source_branch
    body = {
        "environment": name,
        "sha": report.commit,
        "ref": branch,
        "tag": False,
        "status": str(state),
    }
    client.send("POST", f"{path}/deployments", body, Made)
