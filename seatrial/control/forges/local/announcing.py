"""Announces local pull requests to this server as any forge would: with signed webhooks over HTTP.

Level-triggered: each row is compared with what the last acknowledged webhook said. After a crash, or while the server
does not answer, announcements are only late; a repeat has the same delivery id, so the intake recognises it.
"""

import json
import math
import time
from pathlib import Path

import httpx
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q

from seatrial.control import outbound
from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.local.git import Commit, Glance, Repository, reopen
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.payloads import delivery_id, pull_request_payload
from seatrial.control.forges.local.pulls import observe
from seatrial.control.projects.events import PullRequestAction
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.control.projects.services import note_reachable, note_unreachable

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 10.0
REST_SECONDS = 300.0  # after git was waited for in vain, which took 20
SILENT_SECONDS = 30.0  # the web process may be starting


class Announcer:
    """One per worker, never called twice at the same time. Its memory only saves work and log lines."""

    def __init__(self) -> None:
        # For each pull request, the last glance at its branch and the head that the branch had then.
        self._glances: dict[int, tuple[Glance, str]] = {}
        # Projects whose repository kept git waiting, and until when they are not asked.
        self._resting: dict[str, float] = {}
        self._complained: set[int] = set()
        self._unheard_since: float | None = None

    def announce_all(self) -> int:
        """Look at every local pull request that is open or not announced, and announce what changed; returns how many.

        Called about once a second. Cheap when nothing changed: one query, and a look at two files per open pull request.
        A failure is logged, and the next call tries again. When a repository cannot be read (a disk that is not
        mounted), none of its pull requests is closed; its project is marked as unreachable. A repository that keeps git
        waiting is not asked again for a while, so that the others are announced in time.
        """
        closing = Q(state=PullRequestState.CLOSED, announced_state=PullRequestState.OPEN)
        rows = LocalPullRequest.objects.filter(
            Q(state=PullRequestState.OPEN) | closing, project__archived_at=None
        )
        round_ = _Round(self._resting)
        known = list(rows.select_related("project__connection").order_by("changed_at", "id"))
        sent = sum(self._attempt(row, round_) for row in known)
        identities = {row.pk for row in known}
        self._complained &= identities
        self._glances = {pk: glance for pk, glance in self._glances.items() if pk in identities}
        return sent

    def _attempt(self, row: LocalPullRequest, round_: "_Round") -> bool:
        try:
            return self._announce(row, round_)
        except (OperationalError, InterfaceError):
            raise  # the database is away
        except Exception:
            self._complain(row, "local pull request not announced", exc_info=True)
            return False

    def _announce(self, row: LocalPullRequest, round_: "_Round") -> bool:
        """Announce what changed about `row`; True when it was sent."""
        if row.state == PullRequestState.OPEN and not self._looked(row, round_):
            return False
        action = news(row)
        if action is None:
            self._complained.discard(row.pk)
            return False
        try:
            answer = _send(row, action, _head(row), _base(row))
        except httpx.HTTPError as error:
            self._unheard(error)
            return False
        self._unheard_since = None
        if not answer.is_success:
            self._complain(row, "local webhook refused", status=answer.status_code, answer=answer.text[:300])
            return False
        self._complained.discard(row.pk)
        LocalPullRequest.objects.filter(pk=row.pk).update(
            announced_sha=row.head_sha, announced_state=row.state, announcements=F("announcements") + 1
        )
        return True

    def _looked(self, row: LocalPullRequest, round_: "_Round") -> bool:
        """Update `row` from its repository; False when that cannot be read."""
        project = row.project
        glance = _at(project).glance(row.branch)
        if glance is not None and not project.unreachable and self._same(row, glance):
            return True
        seen = round_.look(project)
        if seen is None:
            return False
        try:
            observe(row, *seen)
        except RepositoryProblem as problem:
            round_.note_unreadable(project, problem)
            return False
        note_reachable(project)
        if glance is not None:
            self._glances[row.pk] = (glance, seen[1].get(row.branch, ""))
        return True

    def _same(self, row: LocalPullRequest, glance: Glance) -> bool:
        return glance.shows(row.head_sha) or self._glances.get(row.pk) == (glance, row.head_sha)

    def _unheard(self, error: httpx.HTTPError) -> None:
        """Log one line after SILENT_SECONDS without an answer; no more until the server has answered again."""
        now = time.monotonic()
        if self._unheard_since is None:
            self._unheard_since = now
        elif now - self._unheard_since > SILENT_SECONDS:
            self._unheard_since = math.inf
            log.warning(
                "local pull requests are not announced: this server does not answer its own worker. "
                "Set GALLEY_INTERNAL_URL to the address where it does",
                address=settings.CONFIGURATION.internal_url,
                problem=str(error),
            )

    def _complain(self, row: LocalPullRequest, what: str, **details: object) -> None:
        """Log the problem once, until the pull request was announced or needs no announcement any more."""
        if row.pk not in self._complained:
            self._complained.add(row.pk)
            log.warning(what, pull_request=str(row), **details)


class _Round:
    """What git answered in one round, so that each repository is read once, and not at all while it rests."""

    def __init__(self, resting: dict[str, float]) -> None:
        now = time.monotonic()
        for project in [project for project, until in resting.items() if until <= now]:
            del resting[project]
        self._resting = resting
        self._seen: dict[str, tuple[Repository, dict[str, str]] | None] = dict.fromkeys(resting)

    def look(self, project: Project) -> tuple[Repository, dict[str, str]] | None:
        """The repository and its heads; None when it cannot be read."""
        if project.pk not in self._seen:
            try:
                repository = reopen(project.external_id)
                self._seen[project.pk] = (repository, repository.heads())
            except RepositoryProblem as problem:
                self.note_unreadable(project, problem)
        return self._seen[project.pk]

    def note_unreadable(self, project: Project, problem: RepositoryProblem) -> None:
        """Treat the project's repository as unreadable for the rest of this round."""
        self._seen[project.pk] = None
        if problem.code == "git_timeout":
            self._resting[project.pk] = time.monotonic() + REST_SECONDS
        note_unreachable(project, str(problem))


def news(row: LocalPullRequest) -> PullRequestAction | None:
    """What has to be announced about `row`; None when nothing has."""
    if row.state == PullRequestState.CLOSED:
        return PullRequestAction.CLOSED if row.announced_state == PullRequestState.OPEN else None
    if row.announced_state == PullRequestState.CLOSED:
        return PullRequestAction.REOPENED
    if not row.announced_state:
        return PullRequestAction.OPENED
    return PullRequestAction.SYNCHRONIZE if row.announced_sha != row.head_sha else None


def _send(
    row: LocalPullRequest, action: PullRequestAction, head: Commit | None, base_sha: str
) -> httpx.Response:
    connection = row.project.connection
    body = json.dumps(pull_request_payload(row, action, head, base_sha)).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "seatrial-local-forge",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": delivery_id(row, action),
        "X-Hub-Signature-256": sign(body, connection.webhook_secret),
    }
    # Not SITE_URL: this machine may not reach the proxy behind it, or not know its certificate.
    address = f"{settings.CONFIGURATION.internal_url}/api/v1/webhooks/{connection.forge}/{connection.pk}"
    with outbound.client(settings.CONFIGURATION, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        return client.post(address, content=body, headers=headers)


def _at(project: Project) -> Repository:
    return Repository(Path(project.external_id))


def _head(row: LocalPullRequest) -> Commit | None:
    try:
        return _at(row.project).commit(row.head_sha)
    except RepositoryProblem:
        return None


def _base(row: LocalPullRequest) -> str:
    try:
        return _at(row.project).merge_base(row.project.default_branch, row.head_sha)
    except RepositoryProblem:
        return ""
