"""GitLab's pipelines, and the commit statuses that are jobs in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from tests.forges.hosts.gitlab_parts import MERGE, PROJECT, Part
from tests.forges.hosts.operations import Answering, Gone, Refused
from tests.forges.hosts.site import Hosted, Person, Pull, Status
from tests.repositories import git

UNFINISHED = ("pending", "running")
# From which states a job may become each; a new one is `created`.
FROM = {
    "pending": ("created",),
    "running": ("created", "pending"),
    "success": ("created", "pending", "running"),
    "failed": ("created", "pending", "running"),
    "canceled": ("created", "pending", "running"),
}
NEUTRAL = {
    "pending": "pending",
    "running": "pending",
    "success": "success",
    "failed": "failure",
    "canceled": "error",
}


@dataclass
class Job:
    """A commit status. One that was sent again after its end is `retried`: a newer one is in its place."""

    id: int
    name: str
    by: str
    status: str = "created"
    description: str = ""
    url: str = ""
    retried: bool = False


@dataclass
class Pipeline:
    """`source`: merge_request_event, push, or external for one that a status made."""

    id: int
    project: int
    sha: str
    source: str
    ref: str = ""
    jobs: list[Job] = field(default_factory=list)


class Pipelines(Part):
    """Statuses go into the newest pipeline of their commit, or the one that is named; without any, they make one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.pipelines: list[Pipeline] = []
        self.heads: dict[tuple[int, int], Pipeline] = {}  # of merge requests that have one of their own

    def of_part(self) -> Mapping[str, Answering]:
        return {
            **super().of_part(),
            f"POST {PROJECT}/statuses/{{sha}}": self._make_status,
            f"GET {PROJECT}/pipelines": self._pipelines,
            f"GET {MERGE}/pipelines": self._pipelines_of,
            f"GET {PROJECT}/repository/commits/{{sha}}/statuses": self._statuses,
        }

    def start_pipeline(
        self, hosted: Hosted, pull: Pull, sha: str = "", *, in_train: bool = False
    ) -> Pipeline:
        """What GitLab does for a merge request; `sha` when it runs on a commit of both branches."""
        kind = "train" if in_train else "merge" if sha else "head"
        ref = f"refs/merge-requests/{pull.number}/{kind}"
        pipeline = Pipeline(next(self.ids), hosted.id, sha or pull.head, "merge_request_event", ref)
        self.pipelines.append(pipeline)
        self.heads[hosted.id, pull.number] = pipeline
        return pipeline

    def head_pipeline(self, hosted: Hosted, pull: Pull) -> dict[str, Any] | None:
        pipeline = self.heads.get((hosted.id, pull.number))
        if pipeline is None:
            return None
        return self._basic(pipeline)

    def _basic(self, one: Pipeline) -> dict[str, Any]:
        return {
            "id": one.id,
            "project_id": one.project,
            "sha": one.sha,
            "ref": one.ref,
            "source": one.source,
        }

    def _pipelines_of(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull = self.find(person, parts), self.find_pull(person, parts)
        its = f"refs/merge-requests/{pull.number}/"
        mine = [one for one in self.pipelines if one.project == hosted.id and one.ref.startswith(its)]
        return [self._basic(one) for one in reversed(mine)]

    def _make_status(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self.find(person, parts, "write"), request.get_json()
        self.check_commit(hosted, parts["sha"])
        if len(body.get("description") or "") > 255:
            raise Refused(400, "description is too long (maximum is 255 characters)")
        pipeline = self._pipeline(hosted, parts["sha"], body.get("pipeline_id"))
        job = self._job(pipeline, body["name"], person.login)
        if job.status not in FROM[body["state"]]:
            raise Refused(400, f"Cannot transition status via :{body['state']} from :{job.status}")
        for former in pipeline.jobs:
            former.retried |= former.name == job.name and former is not job
        if job not in pipeline.jobs:
            pipeline.jobs.append(job)
        job.status, job.description = body["state"], body.get("description") or ""
        job.url = body.get("target_url") or ""
        hosted.statuses.append(
            Status(parts["sha"], job.name, NEUTRAL[job.status], job.description, job.url, person.login)
        )
        return self._status(job, parts["sha"])

    def _statuses(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts)
        self.check_commit(hosted, parts["sha"])
        wanted, name = request.args.get("pipeline_id"), request.args.get("name")
        return [
            self._status(job, parts["sha"])
            for one in self.pipelines
            for job in one.jobs
            if (one.project, one.sha) == (hosted.id, parts["sha"])
            and wanted in {None, str(one.id)}
            and name in {None, job.name}
            and not job.retried
        ]

    def _pipelines(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, asked = self.find(person, parts), (request.args["sha"], request.args["source"])
        return [
            self._basic(one)
            for one in self.pipelines
            if (one.project, one.sha, one.source) == (hosted.id, *asked)
        ]

    def _pipeline(self, hosted: Hosted, sha: str, wanted: int | None) -> Pipeline:
        there = [one for one in self.pipelines if (one.project, one.sha) == (hosted.id, sha)]
        if wanted is not None:
            there = [one for one in there if one.id == wanted]
            if not there:
                raise Gone
        if not there:
            if not git(hosted.path, "branch", "--contains", sha):
                raise Gone  # of a fork
            there = [Pipeline(next(self.ids), hosted.id, sha, "external")]
            self.pipelines.extend(there)
        return there[-1]

    def _job(self, pipeline: Pipeline, name: str, by: str) -> Job:
        for job in pipeline.jobs:
            if (job.name, job.by) == (name, by) and job.status in UNFINISHED:
                return job
        return Job(next(self.ids), name, by)

    def _status(self, job: Job, sha: str) -> dict[str, Any]:
        return {
            "id": job.id,
            "sha": sha,
            "name": job.name,
            "status": job.status,
            "description": job.description,
            "target_url": job.url,
            "author": self.author(job.by),
        }
