"""GitLab, through an access token of a person, a group or a project, or an authorization of a person."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx

from seatrial.control.forges.contents import GitOverHttp
from seatrial.control.forges.gitlab import (
    branches,
    deployments,
    discussions,
    hooks,
    notes,
    pipelines,
    projects,
    sent,
    statuses,
    tokens,
)
from seatrial.control.forges.gitlab.answers import ProjectAnswer
from seatrial.control.forges.gitlab.client import GitLabClient, of_project
from seatrial.control.forges.gitlab.merge_requests import MergeRequests
from seatrial.control.forges.gitlab.oauth import OAUTH
from seatrial.control.forges.gitlab.rotation import problem_of
from seatrial.control.forges.http.budget import Allowances
from seatrial.control.forges.oauth.granted import bearer_of
from seatrial.control.forges.protocol import (
    EVERYTHING,
    Asked,
    Commented,
    CommentReport,
    DeploymentReport,
    EvaluationReport,
    FetchCredential,
    ForgeAccount,
    ForgeRepository,
    KeptDelivery,
    MissedDelivery,
    PreviewReport,
    TakenFacts,
)
from seatrial.control.projects.events import PullRequestChanged
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.states import EvaluationState

# A token may be revoked or rotated at any time. After this time an agent asks again.
LENT = timedelta(hours=1)
# Of these, what a verdict does not name is gone.
CONCLUDED = frozenset({EvaluationState.PASSED, EvaluationState.FAILED})


class GitLabForge:
    """One connection to GitLab. A token cannot be narrowed to one repository: agents get the token itself.

    Projects are asked for by their numbers, so renaming and moving them changes nothing.
    """

    def __init__(self, connection: Connection, *, inner: httpx.BaseTransport | None = None) -> None:
        self._connection = connection
        self._bearer = bearer_of(connection, OAUTH)
        self.client = GitLabClient(connection.base_url, self._bearer, inner=inner)
        self._merge_requests = MergeRequests(self.client)
        self._sent = sent.Sent(self.client)

    @property
    def allowances(self) -> Allowances:
        """What the forge still accepts, and how fast."""
        return self.client.transport.allowances

    def now(self) -> datetime:
        """GitLab's time, by the Date of its last answer."""
        return self.client.now()

    def account(self) -> ForgeAccount:
        """The token's owner, and what GitLab says about the token."""
        return tokens.account(self.client, self._bearer, problem_of(self._connection))

    def repositories(self) -> Iterator[ForgeRepository]:
        """Every project that the token's owner is a member of."""
        return projects.reached(self.client)

    def repository(self, full_name: str) -> ForgeRepository:
        """One project, by its name, such as group/sub/name, or a former one."""
        return projects.as_repository(self.client.get(of_project(full_name), ProjectAnswer))

    def repository_of(self, project: Project) -> ForgeRepository:
        """The project by its number."""
        return self.repository(project.external_id)

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open merge request, whatever its target."""
        return self._merge_requests.open(project)

    def pull_request(self, project: Project, number: int) -> PullRequestChanged:
        """One merge request as it is now."""
        return self._merge_requests.one(project, number)

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        """Facts from the project and its members."""
        return TakenFacts(facts=projects.facts(self.client, project, asked))

    def head(self, project: Project, branch: str) -> str:
        """The newest commit of a branch."""
        return branches.head(self.client, project, branch)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """A commit status, and discussions at the lines of the merge request's changes."""
        body = statuses.of_evaluation(report)
        pipelines.post(self.client, project, report.commit, body, report.number)
        if report.number is not None and report.state in CONCLUDED:
            discussions.discuss(self.client, project, report.number, report.commit, report.annotations)

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """A commit status."""
        pipelines.post(self.client, project, report.commit, statuses.of_preview(report), report.number)

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """An environment that the merge request shows."""
        deployments.show(self.client, project, report)

    def report_comment(self, project: Project, report: CommentReport) -> str:
        """Our comment below a merge request."""
        return notes.write(self.client, project, report)

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """The token, as git sends it over HTTPS."""
        token, ends = self._bearer.current(), tokens.ends(self.client, self._bearer)
        lent_until = self.now() + LENT
        return FetchCredential(
            username="oauth2",
            password=token,
            expires_at=min(ends, lent_until) if ends is not None else lent_until,
        )

    def contents(self, project: Project) -> GitOverHttp:
        """By git over HTTP."""
        return GitOverHttp(project.clone_url, self.fetch_credential(project))

    def ensure_webhook(self, project: Project, url: str, secret: str) -> None:
        """Make the project's webhook as it should be."""
        hooks.ensure(self.client, project, url, secret)

    def remove_webhook(self, project: Project, url: str) -> None:
        """Remove every webhook that goes to `url`."""
        hooks.remove(self.client, project, url)

    def test_webhook(self, project: Project, url: str) -> None:
        """A push. It may be evaluated, as that push was."""
        hooks.test(self.client, project, url)

    @property
    def keeps_for(self) -> timedelta:
        """A week, since GitLab 17.3."""
        return sent.KEPT_FOR

    def missed_deliveries(self, project: Project, url: str, since: datetime) -> list[MissedDelivery]:
        """Of every webhook that goes to `url`."""
        return self._sent.missed(project, url, since)

    def kept_delivery(self, project: Project, missed: MissedDelivery) -> KeptDelivery:
        """What GitLab sent, or tried to: the list has it."""
        assert missed.kept is not None
        return missed.kept

    def may_write(self, project: Project, login: str) -> bool:
        """By the account's role, which is at least Developer then."""
        return projects.may_write(self.client, project, login)

    def may_read(self, project: Project, login: str) -> bool:
        """By the account's role, which is at least Reporter then, unless the project is public or internal."""
        return projects.may_read(self.client, project, login)

    def acknowledge(self, project: Project, event: Commented, *, done: bool) -> None:
        """An emoji below the comment."""
        notes.react(self.client, project, event, done=done)
