"""Compares our pull requests with those at the forge, and applies what no webhook has reported."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import drift, whereabouts
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import Moved
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.models import DriftKind
from seatrial.control.forges.protocol import Forge, HostedForge, PullRequestChanged
from seatrial.control.policies import services as policies
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.previews import services as previews
from seatrial.control.projects.events import Gone
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.triggers.events import pull_request_changed

log = structlog.get_logger(__name__)

# By so much an answer may be older than what webhooks told: a forge's copies of itself lag behind.
LAG = timedelta(minutes=1)


def compare(forges: Forges, project: Project) -> None:
    """Open pull requests that are open at the forge, close the others; previews follow. Idempotent. Raises ForgeError.

    What no webhook has told is noted as drift.

    No transaction is open while we ask the forge, and a webhook may arrive meanwhile. So only pull requests that have
    not changed since we asked, by the forge's clock, are closed. Of an archived repository we only ask whether it still is;
    of one that was deleted, nothing.
    """
    if project.gone:
        _look_for(forges, project)
        return
    forge = forges.of(project.connection)
    began, asked_at = timezone.now(), forge.now()
    open_there = _open_there(forge, project)
    if project.gone:  # as was just found
        return
    for event in open_there:
        _open(project, event, asked_at, began)
    numbers = [event.number for event in open_there]
    gone = PullRequest.objects.filter(project=project, state=PullRequestState.OPEN, changed_at__lt=asked_at)
    for pull_request in gone.exclude(number__in=numbers):
        _close(pull_request, asked_at, began)
    drift.compared(project)


def _open_there(forge: Forge, project: Project) -> list[PullRequestChanged]:
    """What is open there. Where the project's name leads elsewhere, its repository is looked for first."""
    try:
        found = forge.open_pull_requests(project)
        if found or not isinstance(forge, HostedForge) or not _is_elsewhere(forge, project):
            return found
    except (Moved, NoSuchThing):
        if not isinstance(forge, HostedForge) or not whereabouts.note(forge, project):
            raise
    else:
        whereabouts.note(forge, project)
    return forge.open_pull_requests(project)


def _is_elsewhere(forge: HostedForge, project: Project) -> bool:
    """Whether an empty list may be another repository's: asked only when everything would be closed for it."""
    if not PullRequest.objects.filter(project=project, state=PullRequestState.OPEN).exists():
        return False
    return forge.repository(project.full_name).external_id != project.external_id


def _look_for(forges: Forges, project: Project) -> None:
    """Note that an archived repository takes changes again, or has another name, if no webhook has said so."""
    forge = forges.of(project.connection)
    if project.gone != Gone.ARCHIVED or not isinstance(forge, HostedForge):
        return
    whereabouts.note(forge, project)


@refs_are_matched
@transaction.atomic
def _open(project: Project, event: PullRequestChanged, asked_at: datetime, began: datetime) -> None:
    known = PullRequest.objects.filter(project=project, number=event.number).first()
    if known is not None and _outdated(known, asked_at):
        event = replace(event, changed_at=max(event.changed_at, known.changed_at))
    pull_request_changed(project, event)
    kind = _made_up_for(project, known, event)
    if kind is not None:
        drift.note(project, kind, event.number, began=began)


def _outdated(known: PullRequest, asked_at: datetime) -> bool:
    """Whether the forge's answer is newer than what is known, whatever time it names for its last change.

    Not every change moves that time, a forge may be restored from a backup, and what we saw closed has the time of our
    question. Without this, what is known with too late a time would stay for ever.
    """
    return known.changed_at < (asked_at if known.state == PullRequestState.CLOSED else asked_at - LAG)


def _made_up_for(project: Project, known: PullRequest | None, event: PullRequestChanged) -> DriftKind | None:
    """What `event` told that was not `known`; None if that was nothing, or if it is older than what we know now."""
    if known is None or known.state == PullRequestState.CLOSED:
        kind = DriftKind.OPENED
    elif known.head_sha != event.head_sha:
        kind = DriftKind.PUSHED
    else:
        return None
    rows = PullRequest.objects.filter(project=project, number=event.number)
    applied = rows.filter(state=PullRequestState.OPEN, head_sha=event.head_sha, changed_at=event.changed_at)
    return kind if applied.exists() else None


@transaction.atomic
def _close(pull_request: PullRequest, asked_at: datetime, began: datetime) -> None:
    current = PullRequest.objects.select_for_update(of=("self",)).get(pk=pull_request.pk)
    if current.state == PullRequestState.CLOSED or current.changed_at != pull_request.changed_at:
        return
    current.state = PullRequestState.CLOSED
    current.changed_at = asked_at
    current.save(update_fields=["state", "changed_at"])
    log.info("closed: not open at the forge any more", pull_request=str(current))
    previews.pull_request_changed(current)
    policies.supersede(current)
    drift.note(current.project, DriftKind.CLOSED, current.number, began=began)
