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
from seatrial.control.worker.traefik import Said, Traefik
from seatrial.control.worker.wakeups import Waiter, Wakeups
from seatrial.wire.words import Reason

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0
TRUST_SECONDS = 2.0  # how long Traefik is given when there is no API to ask
# Traefik reads the whole file for every change: about as fast. One that comes sooner waits until it has read the last.
READ_BYTES_PER_SECOND = 5_000_000


class Routes:
    """Level-triggered: a change, or a sweep, brings the file up to date; then Traefik is asked until it shows that.

    The database is asked when something changed, not while candidates wait. A candidate that Traefik does not show in
    time fails, with what Traefik says about it: a rebuild tries again. A crash between any two steps is repaired by
    the next process; how long a candidate has waited is then counted anew.
    """

    def __init__(self, database: Database, configuration: Configuration, wakeups: Wakeups) -> None:
        self._database = database
        self._api = configuration.galley_traefik_api_url
        self._wakeups = wakeups
        file = configuration.galley_routes_file
        self._book = RouteBook(RoutesFile(file) if file else None)
        self._waits = Waits()
        self._away = False

    async def run(self) -> None:
        """For ever. Raises when the database is away: start it again."""
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
        """Until there is something to do; True when something changed."""
        poll = self._waits.poll_seconds()
        seconds = SWEEP_SECONDS if poll is None else poll
        if changed:
            await asyncio.sleep(max(0.0, min(seconds, not_before - time.monotonic())))
            return True
        return await woken.wait(seconds)

    async def _look(self, traefik: Traefik) -> None:
        waits = self._waits.all()
        if not waits:
            return
        said = (
            await traefik.look([wait.candidate for wait in waits]) if self._api else map(self._trust, waits)
        )
        now = time.monotonic()
        for wait, one in zip(waits, map(self._with_problem, said), strict=True):
            wait.note(one, now)
            self._say_away(one)
            await self._decide(wait, one)

    def _trust(self, wait: Wait) -> Said:
        waited = not wait.candidate.servers or wait.seconds >= TRUST_SECONDS
        return Said(waited, "there is no Traefik API to ask")

    def _with_problem(self, said: Said) -> Said:
        """Where the file cannot be written, that is why: whatever Traefik shows."""
        return Said(False, self._book.problem) if self._book.problem and not said.applied else said

    def _say_away(self, said: Said) -> None:
        """Once when it goes, once when it is back."""
        if said.answered == self._away and said.why:
            self._away = not said.answered
            if self._away:
                log.warning("candidates wait for Traefik", why=said.why)
            else:
                log.info("Traefik answers again")

    async def _decide(self, wait: Wait, said: Said) -> None:
        if said.applied:
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
    if environment is None or environment.candidate is None:
        return
    environment.candidate.message = ""  # what it waited for
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
    """Note why it waits, for whoever looks at the preview."""
    waiting = Deployment.objects.filter(pk=candidate.deployment, finished_at=None)
    waiting.update(message=f"Waits for its route: {why}.")


def _still(candidate: Candidate) -> Environment | None:
    """Its environment, locked, when the candidate is as it was."""
    environment = lifecycle.locked(candidate.environment)
    if environment is None or routes.candidate(environment) != candidate:
        return None
    return environment
