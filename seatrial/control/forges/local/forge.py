"""The local forge's side of the protocol."""

from collections.abc import Mapping

from seatrial.control.forges.github import parsing, signature
from seatrial.control.forges.github.payloads import Repository as RepositoryPayload
from seatrial.control.forges.local.git import Repository, open_repository, reopen
from seatrial.control.forges.local.pulls import observe
from seatrial.control.forges.models import LocalPullRequest
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, WebhookHeaders
from seatrial.control.projects.events import ForgeEvent, PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.wire.deployments import Source
from seatrial.wire.evaluations import ForgeFacts


class LocalForge:
    """A repository directory on the server. Speaks GitHub's webhooks."""

    def headers(self, headers: Mapping[str, str]) -> WebhookHeaders:
        """GitHub's names."""
        return WebhookHeaders(
            delivery_id=headers.get("X-GitHub-Delivery", ""),
            event=headers.get("X-GitHub-Event", ""),
            signature=headers.get("X-Hub-Signature-256", ""),
        )

    def signed(self, body: bytes, signature_: str, secret: str) -> bool:
        """X-Hub-Signature-256."""
        return signature.verify(body, signature_, secret)

    def parse(self, event: str, body: bytes) -> ForgeEvent | None:
        """GitHub's payloads, but a repository is known by its path."""
        return parsing.parse(event, body, _path)

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """The open ones, after a look at the repository: a deleted branch closes its own.

        Raises RepositoryProblem when it cannot be read: what is open there is not known then.
        """
        repository = reopen(project.external_id)
        rows = LocalPullRequest.objects.filter(project=project, state=PullRequestState.OPEN).order_by(
            "number"
        )
        heads = repository.heads()
        for row in rows:
            observe(row, repository, heads)
        return [_as_event(row, repository) for row in rows if row.state == PullRequestState.OPEN]

    def facts(self, project: Project) -> ForgeFacts:
        """A directory has no members and no topics."""
        repository = open_repository(project.external_id)
        branch = repository.default_branch()
        newest = repository.commit(repository.head(branch))
        metadata = {
            "name": project.name,
            "description": "",
            "web_url": project.web_url,
            "created_at": project.created_at.isoformat(),
            "updated_at": newest.at.isoformat(),
        }
        return ForgeFacts(default_branch=branch, metadata=metadata)

    def source(self, project: Project) -> Source:
        """The directory itself."""
        return Source(clone_url=project.clone_url)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """Nothing to do: a directory has no page to show a verdict on; the dashboard and the terminal show it."""

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Nothing to do, for the same reason. Somebody's repository is never written to."""


def _path(repository: RepositoryPayload) -> str:
    return repository.clone_url


def _as_event(row: LocalPullRequest, repository: Repository) -> PullRequestChanged:
    head = repository.commit(row.head_sha)
    return PullRequestChanged(
        external_id=row.project.external_id,
        number=row.number,
        action=PullRequestAction.REOPENED,  # open now, whatever was before
        head_sha=row.head_sha,
        branch=row.branch,
        base_branch=row.project.default_branch,
        title=head.subject,
        author=head.author,
        from_fork=False,
        changed_at=row.changed_at,
    )
