"""GitHub and GitHub Enterprise Server, through a GitHub App."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from threading import Lock

import httpx
import structlog

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github import checks, needs, sent
from seatrial.control.forges.github.answers import AppAnswer, HookConfig, Me, RepositoryAnswer, SentDelivery
from seatrial.control.forges.github.app import GitHubApp, app_of, login_of
from seatrial.control.forges.github.check_runs import CheckRuns
from seatrial.control.forges.github.client import GitHubClient, NotAllowed
from seatrial.control.forges.github.deployments import Deployments
from seatrial.control.forges.github.forge import GitHubForge, as_repository
from seatrial.control.forges.github.installations import Installations, NotInstalled
from seatrial.control.forges.github.paths import of_project
from seatrial.control.forges.github.rights import enterprise_version
from seatrial.control.forges.github.signing_in import AsApp, AsInstallation
from seatrial.control.forges.protocol import (
    EvaluationReport,
    FetchCredential,
    ForgeAccount,
    ForgeRepository,
    KeptDelivery,
    MissedDelivery,
    PreviewReport,
    Right,
)
from seatrial.control.projects.models import Connection, Project
from seatrial.wire.evaluations import Member

log = structlog.get_logger(__name__)

FETCHING = {"contents": "read"}
# One webhook serves all projects: when all of them have it looked at, GitHub is asked once.
SEEN_TO_SECONDS = 600.0
WEBHOOK = "/app/hook"
LISTED_SECONDS = 60.0


class GitHubAppForge(GitHubForge):
    """One App and all of its installations. `client` signs each request for the repository it is about; `app_client` as
    the App itself. Both share their connections, clock and ETags; GitHub counts the requests of each installation for itself.
    """

    def __init__(self, connection: Connection, *, inner: httpx.BaseTransport | None = None) -> None:
        app = app_of(str(connection.credential))
        assert app is not None
        self.app: GitHubApp = app
        self._base_url = connection.base_url
        self.app_client = GitHubClient(connection.base_url, AsApp(app), inner=inner)
        self._installations = Installations(self.app_client)
        self.client = self._signed(AsInstallation(self._installations))
        self._deployments = Deployments(lambda: self.client)
        self._check_runs = CheckRuns(self.client, app.app_id)
        self._lock = Lock()
        self._webhook: tuple[str, float] = ("", 0.0)
        self._listed: tuple[datetime, float, list[SentDelivery]] | None = None

    def account(self) -> ForgeAccount:
        """The App, and which of the permissions and events that we need it lacks."""
        app, headers = self._app()
        queues = not self.app_client.is_server
        rights = [
            Right(
                name=needs.shown(one),
                given=needs.reaches(app.permissions, one, level),
                without=needs.WITHOUT[one],
            )
            for one, level in needs.permissions(queues=queues).items()
        ]
        lacks = needs.missing(app.permissions, app.events, queues=queues)
        version = enterprise_version(headers)
        return ForgeAccount(login=login_of(app.slug), missing=lacks, rights=rights, version=version)

    def repositories(self) -> Iterator[ForgeRepository]:
        """Those of every installation that is not suspended."""
        active = [one.id for one in self._installations.all() if one.suspended_at is None]
        return chain.from_iterable(map(self._repositories_of, active))

    def repository(self, full_name: str) -> ForgeRepository:
        """One repository. It needs no webhook of its own."""
        return replace(super().repository(full_name), manageable=True)

    def repository_of(self, project: Project) -> ForgeRepository:
        """The App need not be installed on the repository that has its name now."""
        try:
            return super().repository_of(project)
        except NotInstalled:
            return self._by_number(project)

    def fetch_credential(self, project: Project) -> FetchCredential | None:
        """A new token that reads the contents of this repository and nothing else, for an hour."""
        token = self._installations.narrowed(of_project(project), project.external_id, FETCHING)
        return FetchCredential(username="x-access-token", password=token.token, expires_at=token.expires_at)

    def ensure_webhook(self, project: Project, url: str, secret: str) -> None:
        """The App has one webhook for all repositories: it is corrected. The App must be installed on the project's.

        GitHub shows no secret, so it is always sent.
        """
        self._installations.of(of_project(project))
        wanted = f"{url} {hashlib.sha256(secret.encode()).hexdigest()}"
        with self._lock:
            known, at = self._webhook
            if known == wanted and time.monotonic() - at < SEEN_TO_SECONDS:
                return
            self._set_webhook(url, secret)
            self._webhook = (wanted, time.monotonic())

    def remove_webhook(self, project: Project, url: str) -> None:
        """Nothing: the App's webhook is for the other projects too."""

    # GitHub sends no ping of an App's webhook, so this is no forge that TriesWebhooks.
    test_webhook = None  # type: ignore[assignment]

    def missed_deliveries(self, project: Project, url: str, since: datetime) -> list[MissedDelivery]:
        """Those of the App's webhook that were about this repository. The list, which has those of all, is kept a minute."""
        if self.app_client.get(f"{WEBHOOK}/config", HookConfig).url != url:
            return []
        ours = [one for one in self._attempts(since) if str(one.repository_id) == project.external_id]
        return sent.not_accepted([one for one in ours if one.delivered_at >= since], WEBHOOK)

    def kept_delivery(self, project: Project, missed: MissedDelivery) -> KeptDelivery:
        """What GitHub sent, or tried to."""
        return sent.kept(self.app_client, missed)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        """A check run."""
        self._check_runs.show(of_project(project), checks.of_evaluation(report))

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        """A check run."""
        self._check_runs.show(of_project(project), checks.of_preview(report))

    def _signed(self, auth: AsInstallation) -> GitHubClient:
        return GitHubClient(self._base_url, auth, transport=self.app_client.transport)

    def _app(self) -> tuple[AppAnswer, httpx.Headers]:
        try:
            return self.app_client.get_with_headers("/app", AppAnswer)
        except ForgeError as error:
            raise ForgeError(
                f"{error}. It was asked as the App {self.app.app_id}: that is its id, and a private key of it? "
                "Is the clock of this machine right?",
                permanent=error.permanent,
                retry_after_seconds=error.retry_after_seconds,
            ) from error

    def _attempts(self, since: datetime) -> list[SentDelivery]:
        with self._lock:
            known = self._listed
        if known is not None and known[0] <= since and time.monotonic() - known[1] < LISTED_SECONDS:
            return known[2]
        listed = sent.attempts(self.app_client, WEBHOOK, since)
        with self._lock:
            self._listed = (since, time.monotonic(), listed)
        return listed

    def _repositories_of(self, installation: int) -> Iterator[ForgeRepository]:
        client = self._signed(AsInstallation(self._installations, only=installation))
        for answer in client.pages("/installation/repositories", RepositoryAnswer, key="repositories"):
            yield replace(as_repository(answer), manageable=True)

    def _set_webhook(self, url: str, secret: str) -> None:
        path = f"{WEBHOOK}/config"
        there = self.app_client.get(path, HookConfig)
        if there.url not in ("", url):
            log.warning(
                "the webhook of the GitHub App went elsewhere; put back", app=self.app.slug, url=there.url
            )
        config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        self.app_client.send("PATCH", path, config, HookConfig)

    def _members(self, project: Project, answer: RepositoryAnswer) -> list[Member]:
        """An App may list collaborators wherever it is installed, though it is none itself."""
        try:
            return self._collaborators(project)
        except NotAllowed:
            return []

    def _ours(self) -> Callable[[Me], bool]:
        login = login_of(self._app()[0].slug)
        return lambda account: account.login == login
