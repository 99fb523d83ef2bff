"""Keeps Traefik's dynamic file equal to the database, and makes candidates live once Traefik shows them."""

import asyncio
import time
from contextlib import aclosing

import structlog
from django.db import transaction

from seatrial.control.configuration import Configuration
from seatrial.control.previews import lifecycle, routes
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.routes import Candidate
from seatrial.control.worker.database import Database
from seatrial.control.worker.route_book import RouteBook
from seatrial.control.worker.route_waits import Wait, Waits
from seatrial.control.worker.routes_file import RoutesFile
from seatrial.control.worker.traefik import Finding, Traefik
from seatrial.control.worker.wakeups import Waiter, Wakeups
from seatrial.wire.words import Reason

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0
TRUST_SECONDS = 2.0  # without an API to ask, a route counts as applied after so long
# For every change Traefik reads the whole file, about as fast as this. The next change waits until it has.
READ_BYTES_PER_SECOND = 5_000_000


class Routes:
    """Level-triggered: on each change and sweep the file is updated; then Traefik is asked until it shows the routes.

    The database is asked when something changed, not while candidates wait. A candidate that Traefik does not show in
    time fails, with the reason that Traefik gives; a rebuild tries again. After a crash at any point the next process
    continues, but counts the time that a candidate has waited from zero.
    """

    def __init__(self, database: Database, configuration: Configuration, wakeups: Wakeups) -> None:
        self._database = database
        self._api = configuration.galley_traefik_api_url
        self._wakeups = wakeups
        file = configuration.galley_routes_file
        self._book = RouteBook(RoutesFile(file) if file else None)
        self._waits = Waits()
        self._away = False
        self._looked_seconds = 0.0

    async def run(self) -> None:
        """Runs for ever. Raises when the database is away; then start it again."""
        woken = self._wakeups.waiter(lifecycle.ROUTES_CHANNEL)
        async with aclosing(Traefik(self._api)) as traefik:
            changed, sweep_at, not_before = True, 0.0, 0.0
            while True:
                now = time.monotonic()
                if (changed and now >= not_before) or now >= sweep_at:
                    self._waits.keep(await self._database.run(self._book.refresh))
                    changed = False
                    sweep_at = time.monotonic() + SWEEP_SECONDS
                    not_before = time.monotonic() + self._book.written / READ_BYTES_PER_SECOND
                await self._look(traefik)
                changed |= await self._next(woken, changed, not_before)

    async def _next(self, woken: Waiter, changed: bool, not_before: float) -> bool:
        """Wait until there is something to do; True when something changed."""
        poll = self._waits.poll_seconds(self._looked_seconds)
        seconds = SWEEP_SECONDS if poll is None else poll
        if changed:
            await asyncio.sleep(max(0.0, min(seconds, not_before - time.monotonic())))
            return True
        return await woken.wait(seconds)

    async def _look(self, traefik: Traefik) -> None:
        waits = self._waits.all()
        if not waits:
            return
        began = time.monotonic()
        findings = (
            await traefik.look([wait.candidate for wait in waits]) if self._api else map(self._trust, waits)
        )
        now = time.monotonic()
        self._looked_seconds = now - began
        for wait, finding in zip(waits, map(self._with_problem, findings), strict=True):
            wait.note(finding, now)
            self._log_away(finding)
            await self._decide(wait, finding)

    def _trust(self, wait: Wait) -> Finding:
        waited = not wait.candidate.servers or wait.seconds >= TRUST_SECONDS
        return Finding(waited, "there is no Traefik API to ask")

    def _with_problem(self, finding: Finding) -> Finding:
        """If the file cannot be written, that is the reason, whatever Traefik shows."""
        return Finding(False, self._book.problem) if self._book.problem and not finding.applied else finding

    def _log_away(self, finding: Finding) -> None:
        """Log one line when Traefik stops answering, and one when it answers again."""
        if finding.answered == self._away and finding.why:
            self._away = not finding.answered
            if self._away:
                log.warning("candidates wait for Traefik", why=finding.why)
            else:
                log.info("Traefik answers again")

    async def _decide(self, wait: Wait, finding: Finding) -> None:
        if finding.applied:
            await self._database.run(go_live, wait.candidate)
        elif wait.is_over:
            await self._database.run(fail, wait.candidate, wait.message())
        else:
            if wait.is_unexplained:
                await self._database.run(explain, wait.candidate, wait.why)
                wait.explained = wait.why
            return
        self._waits.drop(wait)


@transaction.atomic
def go_live(candidate: Candidate) -> None:
    """Make the candidate live, unless it is not the candidate any more or its endpoints moved meanwhile."""
    environment = _still(candidate)
    if environment is None:
        return
    lifecycle.go_live(environment)
    log.info("live", deployment=candidate.deployment, environment=candidate.environment)


@transaction.atomic
def fail(candidate: Candidate, message: str) -> None:
    """Give the candidate up, unless it is not the candidate any more or its endpoints moved meanwhile."""
    environment = _still(candidate)
    if environment is not None:
        lifecycle.fail(environment, reason=Reason.ROUTE_NOT_APPLIED, message=message)
        log.error("route not applied", deployment=candidate.deployment, message=message)


def explain(candidate: Candidate, why: str) -> None:
    """Store why the candidate waits, for its page."""
    waiting = Deployment.objects.filter(pk=candidate.deployment, finished_at=None)
    waiting.update(waits_for=f"its route: {why}")


def _still(candidate: Candidate) -> Environment | None:
    """The candidate's environment, locked; None if the candidate changed or is not the candidate any more."""
    environment = lifecycle.locked(candidate.environment)
    if environment is None or routes.candidate(environment) != candidate:
        return None
    return environment
