"""Gitea and Forgejo, through an access token."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx

from seatrial.control.forges.contents import GitOverHttp
from seatrial.control.forges.errors import ForgeError, Moved
from seatrial.control.forges.gitea import branches, hooks
from seatrial.control.forges.gitea.account import account
from seatrial.control.forges.gitea.answers import (
    Answer,
    Collaborator,
    Comment,
    Made,
    Me,
    Permission,
    Pull,
    RepositoryAnswer,
    StatusAnswer,
    Topics,
)
from seatrial.control.forges.gitea.client import Forbidden, GiteaClient
from seatrial.control.forges.gitea.oauth import OAUTH
from seatrial.control.forges.gitea.pulls import as_event
from seatrial.control.forges.github import statuses
from seatrial.control.forges.http.budget import Allowances
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.marker import marked, marker
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
    PreviewReport,
    TakenFacts,
)
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.evaluations import ForgeFacts, Member, Metadata

OPEN = "open"  # Gitea's word
WRITING = frozenset({"owner", "admin", "write"})
READING = WRITING | {"read"}
LENT = timedelta(hours=1)  # nobody is told when a token ends; after this time an agent asks again


class GiteaForge:
    """One connection to a Gitea or Forgejo. Agents get the token itself: it cannot be narrowed to one repository."""

    def __init__(self, connection: Connection, *, inner: httpx.BaseTransport | None = None) -> None:
        self._bearer = bearer_of(connection, OAUTH)
        self.client = GiteaClient(connection.base_url, self._bearer, inner=inner)

    @property
    def allowances(self) -> Allowances:
        """What the forge still accepts, and how fast."""
        return self.client.transport.allowances

    def now(self) -> datetime:
        """Gitea's time, by the Date of its last answer."""
        return self.client.now()

    def account(self) -> ForgeAccount:
        """The token's owner, the scopes that the token lacks, and what runs there."""
        return account(self.client)

    def repositories(self) -> Iterator[ForgeRepository]:
        """Every repository of the token's owner, of those who share with them, and of their organisations."""
        for answer in self.client.pages("/user/repos", RepositoryAnswer):
            yield _repository(answer)

    def repository(self, full_name: str) -> ForgeRepository:
        """One repository, by its name or a former one."""
        return _repository(self.client.get(_path(full_name), RepositoryAnswer))

    def repository_of(self, project: Project) -> ForgeRepository:
        """The repository by its number."""
        return _repository(self.client.get(f"/repositories/{project.external_id}", RepositoryAnswer))

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open pull request, whatever its base. One without a commit, which only damage explains, counts as none.

        Raises Moved, not only when the project's name belongs to another repository, but also when it is a former one.
        """
        listed = self.client.pages(
            f"{_of(project)}/pulls", Pull, of=project.full_name, state=OPEN, sort="oldest"
        )
        answers = list(listed)
        for answer in answers:
            _same(project, str(answer.base.repo_id))
        return [_now(project, answer) for answer in answers if answer.head.sha]

    def test_webhook(self, project: Project, url: str) -> None:
        """A push of what is there already, which leads to nothing."""
        hooks.test(self.client, _of(project), url)

    def pull_request(self, project: Project, number: int) -> PullRequestChanged:
        """One pull request as it is now."""
        answer = self.client.get(f"{_of(project)}/pulls/{number}", Pull)
        _same(project, str(answer.base.repo_id))
        if not answer.head.sha:
            raise ForgeError(f"Pull request {number} of {project.full_name} has no commit at the forge")
        return _now(project, answer)

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        """Facts from the repository and the lists of who may do what there."""
        answer = self._repository(project)
        topics = answer.topics
        if topics is None:
            topics = self.client.get(f"{_of(project)}/topics", Topics).topics
        return TakenFacts(
            facts=ForgeFacts(
                default_branch=answer.default_branch,
                members=self._members(project, answer) if Asked.MEMBERS in asked else [],
                topics=topics or [],
                code_owners_by_expression=True,
                protection=branches.protection(self.client, _of(project), answer.default_branch)
                if Asked.PROTECTION in asked
                else None,
                metadata=Metadata(
                    name=answer.name,
                    description=answer.description or "",
                    web_url=answer.html_url,
                    created_at=answer.created_at.isoformat() if answer.created_at else None,
                    updated_at=answer.updated_at.isoformat() if answer.updated_at else None,
                ),
            )
        )

    def head(self, project: Project, branch: str) -> str:
        """The newest commit of a branch."""
        return branches.head(self.client, _of(project), branch)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """A commit status, whose words are GitHub's."""
        self._status(project, report.commit, statuses.of_evaluation(report), unsure=report.unsure)

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """A commit status."""
        self._status(project, report.commit, statuses.of_preview(report), unsure=report.unsure)

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """Nothing to do: Gitea lists no deployments."""

    def report_comment(self, project: Project, report: CommentReport) -> str:
        """Our comment: the known one, else ours with the marker, else a new one."""
        text = marked(report.body, report.mark)
        for comment, says in self._candidates(project, report):
            if says.strip() == text.strip():
                return comment
            try:
                path = f"{_of(project)}/issues/comments/{comment}"
                return str(self.client.send("PATCH", path, {"body": text}, Made).id)
            except NoSuchThing:
                continue  # somebody deleted it
        self._repository(project)  # nothing is written below the pull requests of another repository
        path = f"{_of(project)}/issues/{report.number}/comments"
        return str(self.client.send("POST", path, {"body": text}, Made).id)

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """The token, as git sends it over HTTPS; the name beside it does not matter."""
        token, ends = self._bearer.current(), self._bearer.expires_at
        lent_until = self.now() + LENT
        return FetchCredential(
            username="seatrial",
            password=token,
            expires_at=min(ends, lent_until) if ends is not None else lent_until,
        )

    def contents(self, project: Project) -> GitOverHttp:
        """By git over HTTP."""
        return GitOverHttp(project.clone_url, self.fetch_credential(project))

    def ensure_webhook(self, project: Project, url: str, secret: str) -> None:
        """Make the webhook, or correct the one that goes to `url`. One with another secret gives way to a new one."""
        try:
            hooks.ensure(self.client, _of(project), url, secret)
        except Forbidden as error:
            raise Forbidden(
                f"{error}. Make the account an administrator of {project.full_name}, unless webhooks are off there"
            ) from error

    def remove_webhook(self, project: Project, url: str) -> None:
        """Remove every webhook that goes to `url`."""
        try:
            hooks.remove(self.client, _of(project), url)
        except NoSuchThing:
            return

    def may_write(self, project: Project, login: str) -> bool:
        """By the account's permission, which counts teams too. Only an administrator of the repository may ask."""
        return self._permission(project, login) in WRITING

    def may_read(self, project: Project, login: str) -> bool:
        """Likewise. Gitea answers `read` for anybody where the repository is public."""
        return self._permission(project, login) in READING

    def _permission(self, project: Project, login: str) -> str:
        path = f"{_of(project)}/collaborators/{quote(login, safe='')}/permission"
        try:
            return self.client.get(path, Permission).permission
        except NoSuchThing:
            return ""

    def acknowledge(self, project: Project, event: Commented, *, done: bool) -> None:
        """A thumb or a confused face. Gitea keeps one of each per account, however often it is sent."""
        path = f"{_of(project)}/issues/comments/{event.comment}/reactions"
        self.client.send("POST", path, {"content": "+1" if done else "confused"}, Answer)

    def _repository(self, project: Project) -> RepositoryAnswer:
        """The project's repository. Raises ForgeError when its name belongs to another one now."""
        answer = self.client.get(_of(project), RepositoryAnswer)
        _same(project, str(answer.id))
        return answer

    def _members(self, project: Project, answer: RepositoryAnswer) -> list[Member]:
        """Who may read or write; a role costs a request for each member, so admins are not told apart from writers.

        Nobody, where the account may not look.
        """
        try:
            readers = list(self.client.pages(f"{_of(project)}/collaborators", Collaborator))
            writers = self.client.get_list(f"{_of(project)}/assignees", Collaborator)
        except Forbidden:
            return []
        roles = dict.fromkeys((one.login for one in readers), "read")
        roles |= dict.fromkeys((one.login for one in writers), "write")
        if answer.owner is not None and answer.owner.login in roles:
            roles[answer.owner.login] = "owner"
        return [Member(username=login, role=role) for login, role in sorted(roles.items())]

    def _status(self, project: Project, commit: str, body: dict[str, str], *, unsure: bool) -> None:
        if unsure and self._has_status(project, commit, body):
            return
        self.client.send("POST", f"{_of(project)}/statuses/{commit}", body, Made)

    def _has_status(self, project: Project, commit: str, body: dict[str, str]) -> bool:
        """Whether the newest status of this name says the same."""
        path = f"{_of(project)}/statuses/{commit}"
        newest_first = self.client.pages(path, StatusAnswer, sort="highestindex")
        return statuses.is_newest(body, (one.body for one in newest_first))

    def _candidates(self, project: Project, report: CommentReport) -> Iterator[tuple[str, str]]:
        """Ids of comments that may be ours, and what they say, without a request for what is known."""
        if report.known:
            yield report.known, ""
        found = self._our_comment(project, report)
        if found is not None:
            yield str(found.id), found.body or ""

    def _our_comment(self, project: Project, report: CommentReport) -> Comment | None:
        """The comment that an earlier report made; anybody may copy the marker, so it must be ours."""
        me = self.client.get("/user", Me)
        wanted = marker(report.mark)
        for comment in self.client.get_list(f"{_of(project)}/issues/{report.number}/comments", Comment):
            if comment.user is not None and comment.user.id == me.id and wanted in (comment.body or ""):
                return comment
        return None


def _of(project: Project) -> str:
    return _path(project.full_name)


def _path(full_name: str) -> str:
    return f"/repos/{quote(full_name, safe='/')}"


def _same(project: Project, external_id: str) -> None:
    if external_id != project.external_id:
        raise Moved(project.full_name)


def _now(project: Project, answer: Pull) -> PullRequestChanged:
    """As it is now; what came before does not matter."""
    action = PullRequestAction.REOPENED if answer.state == OPEN else PullRequestAction.CLOSED
    return as_event(project.external_id, answer, action)


def _repository(answer: RepositoryAnswer) -> ForgeRepository:
    return ForgeRepository(
        external_id=str(answer.id),
        full_name=answer.full_name,
        name=answer.name,
        clone_url=answer.clone_url or f"{answer.html_url}.git",
        web_url=answer.html_url,
        default_branch=answer.default_branch or "main",
        private=answer.private,
        archived=answer.archived,
        manageable=answer.permissions is not None and answer.permissions.admin,
    )
