"""Tells this server about local pull requests the way a forge would: signed webhooks over HTTP.

Level-triggered: what a row says is compared with what the last acknowledged webhook said. A crash or a server that is
away only delays; a repeat carries the same delivery id, and the intake knows it.
"""

import json
from pathlib import Path

import httpx
import structlog
from django.conf import settings
from django.db.models import F, Q

from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.local.git import Commit, Repository, reopen
from seatrial.control.forges.local.payloads import delivery_id, pull_request_payload
from seatrial.control.forges.local.pulls import observe
from seatrial.control.forges.models import LocalPullRequest
from seatrial.control.projects.events import PullRequestAction
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.control.projects.services import note_reachable, note_unreachable

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 10.0


def announce_all() -> int:
    """Look at every local pull request that is open or not announced; send what is news. Returns how many were sent.

    The worker calls it about once a second, never twice at the same time. Cheap when nothing changed: one query,
    and one small file read per open pull request. A failure is logged and left to the next call. A repository that
    cannot be read (a disk that is not mounted) closes nothing: its project is noted as unreachable.
    """
    closing = Q(state=PullRequestState.CLOSED, announced_state=PullRequestState.OPEN)
    rows = (
        LocalPullRequest.objects.filter(Q(state=PullRequestState.OPEN) | closing, project__archived_at=None)
        .select_related("project__connection")
        .order_by("changed_at", "id")
    )
    away: set[str] = set()
    return sum(_announce(row, away) for row in rows)


def news(row: LocalPullRequest) -> PullRequestAction | None:
    """What has to be said about `row`, if anything."""
    if row.state == PullRequestState.CLOSED:
        return PullRequestAction.CLOSED if row.announced_state == PullRequestState.OPEN else None
    if row.announced_state == PullRequestState.CLOSED:
        return PullRequestAction.REOPENED
    if not row.announced_state:
        return PullRequestAction.OPENED
    return PullRequestAction.SYNCHRONIZE if row.announced_sha != row.head_sha else None


def _announce(row: LocalPullRequest, away: set[str]) -> bool:
    """Send what is news about `row`. `away` gathers the projects that could not be read in this round."""
    if row.state == PullRequestState.OPEN and not _looked(row, away):
        return False
    action = news(row)
    if action is None:
        return False
    try:
        return _sent(row, action, _head(row))
    except httpx.ConnectError as error:  # the web process is starting: every second until it has
        log.debug("local pull request not announced yet", pull_request=str(row), problem=str(error))
        return False
    except httpx.HTTPError as error:
        log.info(
            "local pull request not announced, tried again later", pull_request=str(row), problem=str(error)
        )
        return False


def _sent(row: LocalPullRequest, action: PullRequestAction, head: Commit | None) -> bool:
    connection = row.project.connection
    body = json.dumps(pull_request_payload(row, action, head)).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "seatrial-local-forge",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": delivery_id(row, action),
        "X-Hub-Signature-256": sign(body, connection.webhook_secret),
    }
    address = f"{settings.SITE_URL}/api/v1/webhooks/{connection.forge}/{connection.pk}"
    # Certificates take longer to load than the request; a plain address needs none.
    with httpx.Client(
        timeout=TIMEOUT_SECONDS, trust_env=False, verify=address.startswith("https:")
    ) as client:
        answer = client.post(address, content=body, headers=headers)
    if not answer.is_success:
        log.warning(
            "local webhook refused",
            pull_request=str(row),
            status=answer.status_code,
            answer=answer.text[:300],
        )
        return False
    LocalPullRequest.objects.filter(pk=row.pk).update(
        announced_sha=row.head_sha, announced_state=row.state, announcements=F("announcements") + 1
    )
    return True


def _looked(row: LocalPullRequest, away: set[str]) -> bool:
    """Bring `row` up to its repository; False when that cannot be read."""
    project = row.project
    if project.pk in away:
        return False
    try:
        if project.unreachable or not _at(project).unchanged(row.branch, row.head_sha):
            observe(row, reopen(project.external_id))
    except RepositoryProblem as problem:
        away.add(project.pk)
        note_unreachable(project, str(problem))
        return False
    note_reachable(project)
    return True


def _at(project: Project) -> Repository:
    return Repository(Path(project.external_id))


def _head(row: LocalPullRequest) -> Commit | None:
    try:
        return _at(row.project).commit(row.head_sha)
    except RepositoryProblem:
        return None
