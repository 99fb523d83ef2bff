"""The local forge's side of the protocol."""

from datetime import datetime

from django.utils import timezone

from seatrial.control.forges.local.contents import LocalContents
from seatrial.control.forges.local.git import Repository, open_repository, reopen
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.pulls import observe
from seatrial.control.forges.protocol import (
    EVERYTHING,
    Asked,
    DeploymentReport,
    EvaluationReport,
    FetchCredential,
    PreviewReport,
    TakenFacts,
)
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.wire.evaluations import ForgeFacts, Metadata


class LocalForge:
    """Repository directories on the server. They need no credential and set no limit on requests."""

    def now(self) -> datetime:
        """The time of this machine, because the repository is on it."""
        return timezone.now()

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """The open pull requests, after reading the repository: one whose branch was deleted is closed.

        Raises RepositoryProblem when the repository cannot be read, because then nobody knows what is open.
        """
        repository = reopen(project.external_id)
        rows = LocalPullRequest.objects.filter(project=project, state=PullRequestState.OPEN).order_by(
            "number"
        )
        heads = repository.heads()
        for row in rows:
            observe(row, repository, heads)
        return [_as_event(row, repository) for row in rows if row.state == PullRequestState.OPEN]

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        """Facts from the repository itself; a directory has no members, no topics and no ETags."""
        repository = open_repository(project.external_id)
        branch = repository.default_branch()
        newest = repository.commit(repository.head(branch))
        metadata = Metadata(
            name=project.name,
            description="",
            web_url=project.web_url,
            created_at=project.created_at.isoformat(),
            updated_at=newest.at.isoformat(),
        )
        protection = repository.protection(branch)
        return TakenFacts(facts=ForgeFacts(default_branch=branch, metadata=metadata, protection=protection))

    def head(self, project: Project, branch: str) -> str:
        """The newest commit of a branch."""
        return reopen(project.external_id).head(branch)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """Nothing to do: a directory has no page to show a verdict on; the dashboard and the terminal show it."""

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """Nothing to do, for the same reason. Somebody's repository is never written to."""

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Nothing to do either."""

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """None: reading a directory needs no credential."""
        return None

    def contents(self, project: Project) -> LocalContents:
        """The directory's own."""
        return LocalContents(reopen(project.external_id))


def _as_event(row: LocalPullRequest, repository: Repository) -> PullRequestChanged:
    head = repository.commit(row.head_sha)
    base = row.project.default_branch
    return PullRequestChanged(
        external_id=row.project.external_id,
        number=row.number,
        action=PullRequestAction.REOPENED,  # it is open now; what came before does not matter
        head_sha=row.head_sha,
        branch=row.branch,
        base_branch=base,
        base_sha=repository.merge_base(base, row.head_sha),
        title=head.subject,
        author=head.author,
        from_fork=False,
        changed_at=row.changed_at,
    )
