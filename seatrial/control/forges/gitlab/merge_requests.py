"""Reads merge requests as they are now."""

from collections import OrderedDict
from threading import Lock

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab.answers import MergeRequest
from seatrial.control.forges.gitlab.client import GitLabClient, of_project
from seatrial.control.forges.gitlab.parsing import MERGED, OPENED, OVER
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project

Key = tuple[str, int, str, str]
REMEMBERED = 2000


class MergeRequests:
    """The merge requests of one connection's projects. Thread-safe.

    Lists do not say what a merge request is compared with. It is asked for once for each head and target, and remembered,
    because the open ones are listed every minute.
    """

    def __init__(self, client: GitLabClient) -> None:
        self._client = client
        self._lock = Lock()
        self._bases: OrderedDict[Key, str] = OrderedDict()

    def open(self, project: Project) -> list[PullRequestChanged]:
        """Every open one. One without a branch is left out: there is nothing to build."""
        path = f"{of_project(project.external_id)}/merge_requests"
        answers = list(
            self._client.pages(
                path, MergeRequest, {"state": OPENED, "scope": "all", "sort": "asc"}, steady=True
            )
        )
        return [
            as_event(project, answer, self._base(project, answer))
            for answer in answers
            if answer.sha is not None
        ]

    def one(self, project: Project, number: int) -> PullRequestChanged:
        """One of them, open or not."""
        answer = self.read(project, number)
        if answer.sha is None:
            raise ForgeError(f"Merge request {number} of {project.full_name} has no branch any more")
        return as_event(project, answer, _base_of(answer))

    def read(self, project: Project, number: int) -> MergeRequest:
        """GitLab's answer about one."""
        return self._client.get(f"{of_project(project.external_id)}/merge_requests/{number}", MergeRequest)

    def _base(self, project: Project, answer: MergeRequest) -> str:
        key = (project.external_id, answer.iid, answer.sha or "", answer.target_branch)
        with self._lock:
            known = self._bases.get(key, "")
        if known:
            return known
        there = self.read(project, answer.iid)
        base = _base_of(there)
        if base and there.sha == answer.sha:  # else GitLab is still finding it out
            with self._lock:
                self._bases[key] = base
                while len(self._bases) > REMEMBERED:
                    self._bases.popitem(last=False)
        return base


def _base_of(answer: MergeRequest) -> str:
    refs = answer.diff_refs
    return refs.base_sha or "" if refs is not None and refs.head_sha == answer.sha else ""


def as_event(project: Project, answer: MergeRequest, base: str) -> PullRequestChanged:
    """What a merge request is now, as an event. What came before does not matter."""
    return PullRequestChanged(
        external_id=project.external_id,
        number=answer.iid,
        action=PullRequestAction.CLOSED if answer.state in OVER else PullRequestAction.REOPENED,
        head_sha=answer.sha or "",
        branch=answer.source_branch,
        base_branch=answer.target_branch,
        base_sha=base,
        title=answer.title,
        author=answer.author.username if answer.author else "",
        from_fork=answer.source_project_id != answer.target_project_id,
        changed_at=answer.updated_at,
        opened_at=answer.created_at,
        draft=answer.draft,
        merged=answer.state == MERGED,
        labels=tuple(answer.labels),
    )
