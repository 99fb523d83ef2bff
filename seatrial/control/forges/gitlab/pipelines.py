"""Puts commit statuses where people see them: into the pipeline of the merge request, if it has one.

A status without a pipeline makes one, which takes the place of the merge request's own in the eyes of GitLab: what waited for
that one could be merged. Its pipeline may run on a commit that GitLab made of both branches; then the status belongs there.

Nothing goes into the pipeline of a merge train. GitLab merges when that has succeeded, and takes the merge request out when
it has failed: a status there could hold up everybody, and is required by nobody, as the verdict was known before.
"""

from dataclasses import dataclass

import structlog

from seatrial.control.forges.gitlab.answers import Made, MergeRequest, Pipeline, Status
from seatrial.control.forges.gitlab.client import GitLabClient, NotAccepted, of_project
from seatrial.control.forges.gitlab.parsing import OPENED
from seatrial.control.forges.gitlab.statuses import StatusState
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.projects.models import Project

log = structlog.get_logger(__name__)

# GitLab refuses a state that is the same or an earlier one, and says so in no other way
REFUSED = "Cannot transition"
UNFINISHED = frozenset({StatusState.PENDING, StatusState.RUNNING})


@dataclass(frozen=True)
class Place:
    """Where a status goes. `pipeline` is None where there is no pipeline yet."""

    commit: str
    pipeline: int | None = None


def post(
    client: GitLabClient, project: Project, commit: str, body: dict[str, str], number: int | None
) -> None:
    """Have `body` be the newest status of its name. Sending it again changes nothing.

    What GitLab has already is not sent: once a status is final, the same one again would be another job in the pipeline.
    """
    place = _place(client, project, commit, number)
    path = of_project(project.external_id)
    if place is None:
        log.info(
            "no status: there is only the pipeline of a merge train", project=project.slug, commit=commit
        )
        return
    if _is_there(client, path, place, body):
        return
    if place.pipeline is not None and body["state"] not in UNFINISHED:
        _finish_earlier(client, path, commit, place, body)
    _send(client, path, place, body)


def _send(client: GitLabClient, path: str, place: Place, body: dict[str, str]) -> None:
    pipeline = {} if place.pipeline is None else {"pipeline_id": place.pipeline}
    try:
        client.send("POST", f"{path}/statuses/{place.commit}", {**body, **pipeline}, Made)
    except NotAccepted as error:
        if body["state"] not in UNFINISHED or REFUSED not in error.said:
            raise
    except NoSuchThing as error:
        raise NoSuchThing(f"{error}. It takes no status for a commit that only a fork has") from error


def _finish_earlier(client: GitLabClient, path: str, commit: str, place: Place, body: dict[str, str]) -> None:
    """End what was begun in a pipeline that a status had made, before GitLab made the merge request's own."""
    made = client.pages(f"{path}/pipelines", Pipeline, {"sha": commit, "source": "external"})
    for pipeline in made:
        earlier = Place(commit, pipeline.id)
        newest = _newest(client, path, earlier, body["name"])
        if pipeline.id != place.pipeline and newest is not None and newest.status in UNFINISHED:
            _send(client, path, earlier, body)


def _is_there(client: GitLabClient, path: str, place: Place, body: dict[str, str]) -> bool:
    newest = _newest(client, path, place, body["name"])
    if newest is None or newest.status != body["state"]:
        return False
    same = (newest.description or "", newest.target_url or "") == (body["description"], body["target_url"])
    return same or newest.status in UNFINISHED


def _newest(client: GitLabClient, path: str, place: Place, name: str) -> Status | None:
    """The newest status of this name there."""
    query = {"name": name}
    if place.pipeline is not None:
        query["pipeline_id"] = str(place.pipeline)
    found = client.pages(f"{path}/repository/commits/{place.commit}/statuses", Status, query)
    return max((one for one in found if one.name == name), key=lambda one: one.id, default=None)


def _place(client: GitLabClient, project: Project, commit: str, number: int | None) -> Place | None:
    """None where a status would hold up a merge train."""
    found = number if number is not None else _number(client, project, commit)
    if found is None:
        return Place(commit)
    path = f"{of_project(project.external_id)}/merge_requests/{found}"
    request = client.get(path, MergeRequest)
    pipeline = request.head_pipeline
    if pipeline is None or request.sha != commit:
        return Place(commit)
    if pipeline.of_train:
        pipeline = _before_train(client, path)
        if pipeline is None:
            return None
    if pipeline.project_id is not None and str(pipeline.project_id) != project.external_id:
        return Place(commit)  # of the fork
    return Place(pipeline.sha, pipeline.id)


def _before_train(client: GitLabClient, merge_request: str) -> Pipeline | None:
    """The pipeline that the merge request had when it joined a train: a push would have taken it out."""
    own = [one for one in client.pages(f"{merge_request}/pipelines", Pipeline) if not one.of_train]
    return max(own, key=lambda one: one.id, default=None)


def _number(client: GitLabClient, project: Project, commit: str) -> int | None:
    """The newest open merge request whose head the commit is."""
    path = f"{of_project(project.external_id)}/repository/commits/{commit}/merge_requests"
    try:
        requests = list(client.pages(path, MergeRequest, {"state": OPENED}))
    except NoSuchThing:
        return None  # the status will be refused for the same reason, and says it better
    numbers = [
        one.iid for one in requests if one.sha == commit and str(one.target_project_id) == project.external_id
    ]
    return max(numbers, default=None)
