"""GitHub and GitHub Enterprise Server, through a token."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx

from seatrial.control.forges.contents import GitOverHttp
from seatrial.control.forges.errors import Moved
from seatrial.control.forges.github import branches, sent, statuses
from seatrial.control.forges.github.answers import (
    Collaborator,
    Comment,
    Hook,
    Made,
    Me,
    PermissionAnswer,
    PullAnswer,
    RepositoryAnswer,
    StatusAnswer,
)
from seatrial.control.forges.github.client import GitHubClient, NotAccepted
from seatrial.control.forges.github.deployments import Deployments
from seatrial.control.forges.github.needs import events
from seatrial.control.forges.github.paths import of_name as _path
from seatrial.control.forges.github.paths import of_project as _of
from seatrial.control.forges.github.rights import CLASSIC_SCOPE, enterprise_version, rights_of_token
from seatrial.control.forges.http.budget import Allowances
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.marker import marked, marker
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
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.evaluations import ForgeFacts, Member, Metadata

# GitHub does not say how long a classic token is valid. After this time an agent asks again.
LENT = timedelta(hours=1)
OPEN = "open"  # GitHub's word
WRITING = frozenset({"admin", "write"})
READING = WRITING | {"read"}


class GitHubForge:
    """One connection to GitHub. A token cannot be narrowed to one repository: agents get the token itself.

    `client` sends what is about a repository, also where a subclass signs in another way.
    """

    client: GitHubClient

    def __init__(self, connection: Connection, *, inner: httpx.BaseTransport | None = None) -> None:
        self._token = str(connection.credential)
        self.client = GitHubClient(connection.base_url, self._token, inner=inner)
        self._deployments = Deployments(lambda: self.client)

    @property
    def allowances(self) -> Allowances:
        """What the forge still accepts, and how fast."""
        return self.client.transport.allowances

    def now(self) -> datetime:
        """GitHub's time, by the Date of its last answer."""
        return self.client.now()

    def account(self) -> ForgeAccount:
        """The token's owner; what a classic token lacks, and when a token ends, are in the headers."""
        me, headers = self.client.get_with_headers("/user", Me)
        scopes = {scope.strip() for scope in headers.get("X-OAuth-Scopes", "").split(",")}
        classic = "X-OAuth-Scopes" in headers  # fine-grained tokens have none
        return ForgeAccount(
            login=me.login,
            missing=[f"the scope {CLASSIC_SCOPE}"] if classic and CLASSIC_SCOPE not in scopes else [],
            expires_at=_expiry(headers.get("GitHub-Authentication-Token-Expiration", "")),
            version=enterprise_version(headers),
            rights=rights_of_token(scopes if classic else None),
        )

    def repositories(self) -> Iterator[ForgeRepository]:
        """Every repository of the token's owner, of those who share with them, and of their organisations."""
        for answer in self.client.pages("/user/repos", RepositoryAnswer, sort="full_name"):
            yield as_repository(answer)

    def repository(self, full_name: str) -> ForgeRepository:
        """One repository, by its name or a former one."""
        return as_repository(self.client.get(_path(full_name), RepositoryAnswer))

    def repository_of(self, project: Project) -> ForgeRepository:
        """By its name or a former one, unless another repository has that now: then by its number."""
        try:
            found = self.repository(project.full_name)
        except NoSuchThing:
            return self._by_number(project)
        return found if found.external_id == project.external_id else self._by_number(project)

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        """Every open pull request, whatever its base.

        Raises Moved, not only when the project's name belongs to another repository, but also when it is a former one.
        """
        listed = self.client.pages(
            f"{_of(project)}/pulls", PullAnswer, of=project.full_name, state=OPEN, sort="created"
        )
        answers = list(listed)
        for answer in answers:
            _require_same(project, answer)
        return [_as_event(project, answer) for answer in answers]

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        """Facts from the repository and its collaborators. Unchanged answers come from the transport's memory."""
        answer = self.client.get(_of(project), RepositoryAnswer)
        return TakenFacts(
            facts=ForgeFacts(
                default_branch=answer.default_branch,
                members=self._members(project, answer) if Asked.MEMBERS in asked else [],
                topics=list(answer.topics),
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
        """A commit status."""
        self._status(project, report.commit, statuses.of_evaluation(report), unsure=report.unsure)

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """A commit status."""
        self._status(project, report.commit, statuses.of_preview(report), unsure=report.unsure)

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        """A deployment that the pull request's page links to."""
        self._deployments.show(_of(project), report)

    def report_comment(self, project: Project, report: CommentReport) -> str:
        """Our comment: the known one, else ours with the marker, else a new one."""
        text = marked(report.body, report.mark)
        if report.known:
            try:
                return self._edit(project, report.known, text)
            except NoSuchThing:
                pass  # somebody deleted it
        ours = self._our_comment(project, report)
        if ours is not None:
            return (
                str(ours.id)
                if (ours.body or "").strip() == text.strip()
                else self._edit(project, str(ours.id), text)
            )
        path = f"{_of(project)}/issues/{report.number}/comments"
        return str(self.client.send("POST", path, {"body": text}, Made).id)

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """The token, as git sends it over HTTPS."""
        expires_at = self.account().expires_at
        lent_until = self.now() + LENT
        return FetchCredential(
            username="x-access-token",
            password=self._token,
            expires_at=min(expires_at, lent_until) if expires_at else lent_until,
        )

    def contents(self, project: Project) -> GitOverHttp:
        """By git over HTTP."""
        return GitOverHttp(project.clone_url, self.fetch_credential(project))

    def ensure_webhook(self, project: Project, url: str, secret: str) -> None:
        """Make the webhook, or correct the one that goes to `url`. GitHub shows no secret, so it is always sent.

        Where GitHub refuses it, it may be an Enterprise Server that does not know merge queues.
        """
        try:
            self._ensure_webhook(project, url, secret, events())
        except NotAccepted:
            self._ensure_webhook(project, url, secret, events(queues=False))

    def _ensure_webhook(self, project: Project, url: str, secret: str, wanted: list[str]) -> None:
        hooks = f"{_of(project)}/hooks"
        body = {
            "active": True,
            "events": wanted,
            "config": {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"},
        }
        ours = [hook for hook in self.client.pages(hooks, Hook) if hook.config.url == url]
        if not ours:
            self.client.send("POST", hooks, {"name": "web", **body}, Made)
            return
        self.client.send("PATCH", f"{hooks}/{ours[0].id}", body, Made)
        for twice in ours[1:]:
            self.client.delete(f"{hooks}/{twice.id}")

    def remove_webhook(self, project: Project, url: str) -> None:
        """Remove every webhook that goes to `url`."""
        hooks = f"{_of(project)}/hooks"
        try:
            ours = [hook for hook in self.client.pages(hooks, Hook) if hook.config.url == url]
        except NoSuchThing:
            return
        for hook in ours:
            self.client.delete(f"{hooks}/{hook.id}")

    @property
    def keeps_for(self) -> timedelta:
        """Three days at github.com, seven at an Enterprise Server."""
        return sent.KEPT_BY_SERVER if self.client.is_server else sent.KEPT_FOR

    def missed_deliveries(self, project: Project, url: str, since: datetime) -> list[MissedDelivery]:
        """Of every webhook that goes to `url`."""
        ours = sent.webhooks(self.client, _of(project), url)
        return [one for webhook in ours for one in sent.missed(self.client, webhook, since)]

    def kept_delivery(self, project: Project, missed: MissedDelivery) -> KeptDelivery:
        """What GitHub sent, or tried to."""
        return sent.kept(self.client, missed)

    def test_webhook(self, project: Project, url: str) -> None:
        """A ping."""
        sent.ping(self.client, _of(project), url)

    def pull_request(self, project: Project, number: int) -> PullRequestChanged:
        """One pull request as it is now. Raises ForgeError when the project's name belongs to another repository now."""
        answer = self.client.get(f"{_of(project)}/pulls/{number}", PullAnswer)
        _require_same(project, answer)
        return _as_event(project, answer)

    def may_write(self, project: Project, login: str) -> bool:
        """By the collaborator's permission, which counts teams and organisations too."""
        return self._permission(project, login) in WRITING

    def may_read(self, project: Project, login: str) -> bool:
        """Likewise. GitHub answers `read` for anybody where the repository is public."""
        return self._permission(project, login) in READING

    def _permission(self, project: Project, login: str) -> str:
        path = f"{_of(project)}/collaborators/{quote(login, safe='')}/permission"
        try:
            return self.client.get(path, PermissionAnswer).permission
        except NoSuchThing:
            return ""

    def acknowledge(self, project: Project, event: Commented, *, done: bool) -> None:
        """A thumb or a confused face. GitHub keeps one of each per account, however often it is sent."""
        path = f"{_of(project)}/issues/comments/{event.comment}/reactions"
        self.client.send("POST", path, {"content": "+1" if done else "confused"}, Made)

    def _by_number(self, project: Project) -> ForgeRepository:
        return as_repository(self.client.get(f"/repositories/{project.external_id}", RepositoryAnswer))

    def _members(self, project: Project, answer: RepositoryAnswer) -> list[Member]:
        """Nobody, unless the credential may push: GitHub shows collaborators to nobody else."""
        return self._collaborators(project) if answer.permissions.push else []

    def _collaborators(self, project: Project) -> list[Member]:
        collaborators = self.client.pages(f"{_of(project)}/collaborators", Collaborator)
        return [Member(username=one.login, role=one.role_name) for one in collaborators]

    def _status(self, project: Project, commit: str, body: dict[str, str], *, unsure: bool) -> None:
        if unsure and self._has_status(project, commit, body):
            return
        self.client.send("POST", f"{_of(project)}/statuses/{commit}", body, Made)

    def _has_status(self, project: Project, commit: str, body: dict[str, str]) -> bool:
        """Whether the newest status of this name says the same."""
        path = f"{_of(project)}/commits/{commit}/statuses"
        return statuses.is_newest(body, (one.body for one in self.client.pages(path, StatusAnswer)))

    def _edit(self, project: Project, comment: str, text: str) -> str:
        path = f"{_of(project)}/issues/comments/{comment}"
        return str(self.client.send("PATCH", path, {"body": text}, Made).id)

    def _our_comment(self, project: Project, report: CommentReport) -> Comment | None:
        """The comment that an earlier report made; anybody may copy the marker, so it must be ours."""
        ours = self._ours()
        wanted = marker(report.mark)
        for comment in self.client.pages(f"{_of(project)}/issues/{report.number}/comments", Comment):
            if comment.user is not None and ours(comment.user) and wanted in (comment.body or ""):
                return comment
        return None

    def _ours(self) -> Callable[[Me], bool]:
        """Whether an account is the one that we write as."""
        me = self.client.get("/user", Me)
        return lambda account: account.id == me.id


def _expiry(header: str) -> datetime | None:
    """GitHub writes 2026-12-31 23:59:59 UTC, or the same with an offset such as +0100."""
    for pattern in ("%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%d %H:%M:%S %z"):
        try:
            there = datetime.strptime(header, pattern)
        except ValueError:
            continue
        return there if there.tzinfo else there.replace(tzinfo=UTC)
    return None


def as_repository(answer: RepositoryAnswer) -> ForgeRepository:
    """A repository as GitHub describes it."""
    return ForgeRepository(
        external_id=str(answer.id),
        full_name=answer.full_name,
        name=answer.name,
        clone_url=answer.clone_url or f"{answer.html_url}.git",
        web_url=answer.html_url,
        default_branch=answer.default_branch,
        private=answer.private,
        archived=answer.archived,
        manageable=answer.permissions.admin,
    )


def _require_same(project: Project, answer: PullAnswer) -> None:
    if answer.base.repo is not None and str(answer.base.repo.id) != project.external_id:
        raise Moved(project.full_name)


def _as_event(project: Project, answer: PullAnswer) -> PullRequestChanged:
    head = answer.head
    return PullRequestChanged(
        external_id=project.external_id,
        number=answer.number,
        # It is open now; what came before does not matter
        action=PullRequestAction.REOPENED if answer.state == OPEN else PullRequestAction.CLOSED,
        head_sha=head.sha,
        branch=head.ref,
        base_branch=answer.base.ref,
        base_sha=answer.base.sha,
        title=answer.title,
        author=answer.user.login if answer.user else "",
        # A deleted fork (null) was a fork
        from_fork=head.repo is None or str(head.repo.id) != project.external_id,
        changed_at=answer.updated_at,
        opened_at=answer.created_at,
        draft=answer.draft,
        merged=answer.merged_at is not None,
        labels=tuple(label.name for label in answer.labels),
    )
