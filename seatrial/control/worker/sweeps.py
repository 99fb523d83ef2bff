"""What is looked at from time to time: the forges' truth, lost evaluations, old rows."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.local import services as local
from seatrial.control.forges.protocol import PullRequestChanged
from seatrial.control.forges.registry import forge_of
from seatrial.control.policies import services as policies
from seatrial.control.previews import services as previews
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.projects.services import note_reachable, note_unreachable
from seatrial.control.worker import deliveries, retention
from seatrial.control.worker.attention import Attention
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

ANNOUNCE_SECONDS = 1.0
FORGE_SECONDS = 60.0
FIRST_FORGE_SECONDS = 5.0
LOST_SECONDS = 15.0
PATIENCE = timedelta(minutes=2)
EXPIRY_SECONDS = 60.0
PRUNE_SECONDS = 60.0  # anybody may send what is rejected


class Sweeps:
    """Each sweep is a task of its own: a slow forge holds nothing else up."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._announcer = local.Announcer()
        self._attention = Attention(3 * LOST_SECONDS)
        self._patient_until = timezone.now()

    async def announcements(self) -> None:
        """The local forge tells of its branches, over HTTP like any forge; at once of what a person asked for."""
        while True:
            await self._database.run(self._announcer.announce_all)
            await self._wakeups.wait(local.CHANNEL, ANNOUNCE_SECONDS)

    async def forges(self) -> None:
        """Open pull requests at the forge against ours."""
        # Stored deliveries know more about what happened: they go first.
        await asyncio.sleep(FIRST_FORGE_SECONDS)
        await self._every(FORGE_SECONDS, sweep_forges)

    async def lost_evaluations(self) -> None:
        """Evaluations that nobody will finish."""
        await self._every(LOST_SECONDS, self.give_up_lost)

    def give_up_lost(self) -> None:
        """What ran while this machine slept is given PATIENCE to end."""
        if self._attention.was_away():
            self._patient_until = timezone.now() + PATIENCE
        if timezone.now() >= self._patient_until:
            policies.give_up_lost()
        self._attention.here()

    async def expiries(self) -> None:
        """Previews whose time to live is over."""
        await self._every(EXPIRY_SECONDS, previews.expire)

    async def prune(self) -> None:
        """Rows that were kept long enough."""
        await self._every(PRUNE_SECONDS, retention.prune)

    async def _every(self, seconds: float, work: Callable[[], object]) -> None:
        while True:
            await self._database.run(work)
            await asyncio.sleep(seconds)


def sweep_forges() -> None:
    """Make every project's pull requests what its forge says. One forge that is away does not stop the others."""
    for project in Project.objects.filter(archived_at=None).select_related("connection"):
        try:
            sweep_project(project)
        except ForgeError as error:
            note_unreachable(project, str(error))
        except Exception as error:
            if database_away(error):
                raise
            log.exception("project not compared with its forge", project=project.slug)
        else:
            note_reachable(project)


def sweep_project(project: Project) -> None:
    """Open what is open at the forge, close what is not, and see that previews follow. Idempotent.

    Asking the forge takes time in which a webhook may bring newer news, so only what has not changed since we asked
    is closed.
    """
    asked_at = timezone.now()
    open_there = forge_of(project.connection).open_pull_requests(project)
    for event in open_there:
        _open(project, event, asked_at)
    numbers = [event.number for event in open_there]
    gone = PullRequest.objects.filter(project=project, state=PullRequestState.OPEN, changed_at__lt=asked_at)
    for pull_request in gone.exclude(number__in=numbers):
        _close(pull_request)


@transaction.atomic
def _open(project: Project, event: PullRequestChanged, asked_at: datetime) -> None:
    known = PullRequest.objects.filter(project=project, number=event.number).first()
    if known is not None and known.state == PullRequestState.CLOSED and known.changed_at < asked_at:
        # Closed before we asked and open at the forge: it was opened again, whatever its clock says.
        event = replace(event, changed_at=max(event.changed_at, known.changed_at))
    deliveries.pull_request_changed(project, event)


@transaction.atomic
def _close(pull_request: PullRequest) -> None:
    current = PullRequest.objects.select_for_update(of=("self",)).get(pk=pull_request.pk)
    if current.state == PullRequestState.CLOSED or current.changed_at != pull_request.changed_at:
        return
    current.state = PullRequestState.CLOSED
    current.changed_at = timezone.now()
    current.save(update_fields=["state", "changed_at"])
    log.info("closed: not open at the forge any more", pull_request=str(current))
    previews.pull_request_changed(current)
    policies.supersede(current)
