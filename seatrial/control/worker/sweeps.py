"""Periodic sweeps: certificates, pull requests at the forges, lost evaluations, expired previews and waivers, scores, the audit log, old rows."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from seatrial.control.audit.checking import is_due, keep, steps
from seatrial.control.audit.sealing import seal
from seatrial.control.certificates.looking import look_at_all
from seatrial.control.forges import accounts, drift, hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.deliveries import missed
from seatrial.control.forges.errors import ForgeError, Limited
from seatrial.control.forges.urgency import Urgency, asking
from seatrial.control.keys import services as keys
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.digests.making import make_due
from seatrial.control.policies.glass.services import mend_due
from seatrial.control.policies.rescans.due import begin_due
from seatrial.control.policies.rescans.ending import repair
from seatrial.control.policies.scores import taking as scores
from seatrial.control.policies.source.services import ask_due
from seatrial.control.policies.trials import overdue as trials
from seatrial.control.policies.waivers.ending import end_due
from seatrial.control.previews import services as previews
from seatrial.control.previews.sleeping import idle
from seatrial.control.previews.sleeping.visits import Visits
from seatrial.control.previews.snapshots import give_up
from seatrial.control.projects.models import Project
from seatrial.control.projects.services import note_reachable, note_unreachable
from seatrial.control.triggers.comparing import compare
from seatrial.control.triggers.reports import report_all
from seatrial.control.worker import retention
from seatrial.control.worker.attention import Attention
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away

log = structlog.get_logger(__name__)

FORGE_SECONDS = 60.0
FIRST_FORGE_SECONDS = 5.0
LOST_SECONDS = 15.0
PATIENCE = timedelta(minutes=2)
EXPIRY_SECONDS = 60.0
CERTIFICATES_SECONDS = 10.0
SCORES_SECONDS = 60.0
SLEEP_SECONDS = 5.0
KEYS_SECONDS = 5.0  # somebody may be looking on
SEAL_SECONDS = 5.0
PRUNE_SECONDS = 60.0  # often, because anybody may send deliveries that are rejected and stored


class Sweeps:
    """Each sweep is a task of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attention = Attention(3 * LOST_SECONDS)
        self._patient_until = timezone.now()
        file = settings.CONFIGURATION.galley_ingress_visits
        self._visits = Visits(Path(file)) if file else None

    async def lost_evaluations(self) -> None:
        """Every LOST_SECONDS, end evaluations and trials that nobody will finish."""
        await self._every(LOST_SECONDS, self.give_up_lost)

    def give_up_lost(self) -> None:
        """End evaluations and trials that nobody will finish; those that ran while this machine slept get PATIENCE first."""
        if self._attention.was_away():
            self._patient_until = timezone.now() + PATIENCE
        if timezone.now() >= self._patient_until:
            policies.give_up_lost()
            trials.give_up_lost()
        self._attention.here()

    async def expiries(self) -> None:
        """Every EXPIRY_SECONDS, stop previews whose time to live is over."""
        await self._every(EXPIRY_SECONDS, previews.expire)

    async def snapshots(self) -> None:
        """Every EXPIRY_SECONDS, end saves of which nobody hears any more."""
        await self._every(EXPIRY_SECONDS, give_up)

    async def waivers(self) -> None:
        """Every EXPIRY_SECONDS, end waivers whose time is over."""
        await self._every(EXPIRY_SECONDS, end_due)

    async def glass(self) -> None:
        """Every EXPIRY_SECONDS, mend broken glass whose time is over."""
        await self._every(EXPIRY_SECONDS, mend_due)

    async def scores(self) -> None:
        """Every SCORES_SECONDS, have scores taken that are missing or old."""
        await self._every(SCORES_SECONDS, ask_for_scores)

    async def policy_sources(self) -> None:
        """Every EXPIRY_SECONDS, have branches looked at in which policies are kept, where that is due."""
        await self._every(EXPIRY_SECONDS, ask_due)

    async def rescans(self) -> None:
        """Every LOST_SECONDS, begin the re-scans that are due, and go on with all."""
        await self._every(LOST_SECONDS, sweep_rescans)

    async def digests(self) -> None:
        """Every EXPIRY_SECONDS, make the digests that are due."""
        await self._every(EXPIRY_SECONDS, make_due)

    async def sleepers(self) -> None:
        """Every SLEEP_SECONDS, read who was visited, and put to sleep who was not."""
        await self._every(SLEEP_SECONDS, self.put_to_sleep)

    def put_to_sleep(self) -> None:
        """After it was read, so that nobody falls asleep who was just visited."""
        if self._visits is not None:
            self._visits.read()
        idle.put_to_sleep(visits_known=self._visits is not None and self._visits.known)

    async def keys(self) -> None:
        """Note another signing key; then every KEYS_SECONDS, go on with a re-wrap that has begun."""
        await self._database.run(keys.note_secret_key)
        await self._every(KEYS_SECONDS, keys.go_on)

    async def prune(self) -> None:
        """Every PRUNE_SECONDS, delete old rows."""
        await self._every(PRUNE_SECONDS, retention.prune)

    async def audit_log(self) -> None:
        """Every SEAL_SECONDS, seal entries of the audit log; every VERIFY_AGE, verify all of it, some thousand at a time."""
        while True:
            await self._database.run(seal)
            if await self._database.run(is_due):
                checking = steps()
                while (checked := await self._database.run(next, checking, None)) is not None:
                    last = checked
                await self._database.run(keep, last)
            await asyncio.sleep(SEAL_SECONDS)

    async def _every(self, seconds: float, work: Callable[[], object]) -> None:
        while True:
            await self._database.run(work)
            await asyncio.sleep(seconds)


def sweep_rescans() -> None:
    """Idempotent; any number of workers may do it at once."""
    begin_due()
    repair()


@transaction.atomic
def ask_for_scores() -> None:
    """Any number of workers may ask: a lane takes each score once."""
    for project in scores.due(timezone.now()):
        outbox.instruct(Instruction.SCORE, project=project)


class CertificateSweep:
    """Looks at what the ingress serves. `asking` has the threads that wait for others."""

    def __init__(self, asking: Database) -> None:
        self._asking = asking

    async def run(self) -> None:
        """Runs for ever; where the ingress serves no certificates, it forgets those of before, and ends."""
        while True:
            await self._asking.run(look_at_all)
            if not settings.CONFIGURATION.galley_ingress_url:
                return
            await asyncio.sleep(CERTIFICATES_SECONDS)


class ForgeSweep:
    """Compares open pull requests at every forge with ours. `asking` has the threads that wait for forges."""

    def __init__(self, asking: Database, forges: Forges) -> None:
        self._asking = asking
        self._forges = forges

    async def run(self) -> None:
        """Runs for ever."""
        # Stored deliveries say more about what happened, so they are handled first.
        await asyncio.sleep(FIRST_FORGE_SECONDS)
        while True:
            await self._asking.run(sweep_forges, self._forges)
            await asyncio.sleep(FORGE_SECONDS)


def sweep_forges(forges: Forges) -> None:
    """Update every project's pull requests from its forge. A forge that is away does not stop the others.

    When a forge accepts no more requests of a sweep, all projects of that connection wait for the next one.
    Deliveries that did not come are read first: they say more about what happened.
    """
    hooks.ask_due()
    drift.confirm()
    with asking(Urgency.LOOK):
        look_at_connections(forges)
    limited: dict[str, Limited] = {}
    for project in Project.objects.filter(archived_at=None).select_related("connection"):
        with asking(Urgency.LOOK):
            _read_missed(forges, project)
        try:
            if project.connection_id in limited:
                raise limited[project.connection_id]
            with asking(Urgency.LOOK):
                compare(forges, project)
        except Limited as error:
            limited[project.connection_id] = error
            note_unreachable(project, str(error))
        except ForgeError as error:
            note_unreachable(project, str(error))
        except Exception as error:
            if database_away(error):
                raise
            log.exception("project not compared with its forge", project=project.slug)
        else:
            _reached(project)


def _reached(project: Project) -> None:
    """Note it; after a time without the forge, reports that were given up meanwhile are made up for."""
    if project.unreachable:
        with transaction.atomic():
            report_all(project)
            note_reachable(project)


def _read_missed(forges: Forges, project: Project) -> None:
    """Whatever happens here, the project is compared."""
    try:
        missed.look_due(forges, project)
    except ForgeError as error:
        log.debug("missed deliveries not read", project=project.slug, why=str(error))
    except Exception as error:
        if database_away(error):
            raise
        log.exception("missed deliveries not read", project=project.slug)


def look_at_connections(forges: Forges) -> None:
    """Ask forges whom connections act as, where that is due. Whatever goes wrong is tried again the next time."""
    try:
        accounts.look_due(forges)
    except Exception as error:
        if database_away(error):
            raise
        log.exception("connections were not looked at")
