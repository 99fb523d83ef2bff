"""Keeps Traefik's dynamic file equal to the database, and makes candidates live once Traefik shows them."""

import asyncio
import json
from pathlib import Path

import httpx
import structlog
from django.db import connection, transaction

from seatrial.control.configuration import Configuration
from seatrial.control.previews import lifecycle, routes
from seatrial.control.previews.routes import Candidate, Document
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0
POLL_SECONDS = 0.03
ROUTES_LOCK = 0x5EA70  # PostgreSQL advisory lock
TRUST_SECONDS = 2.0  # how long Traefik is given when there is no API to ask


class Routes:
    """Level-triggered: every round writes the file if it differs, then looks whether candidates are applied.

    A crash between any two steps is repaired by the next round of the next process.
    """

    def __init__(self, database: Database, configuration: Configuration, wakeups: Wakeups) -> None:
        self._database = database
        self._file = configuration.galley_routes_file
        self._api = configuration.galley_traefik_api_url.rstrip("/")
        self._wakeups = wakeups

    async def run(self) -> None:
        """For ever."""
        woken = self._wakeups.waiter(lifecycle.ROUTES_CHANNEL)
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while True:
                waiting = await self._round(client)
                if waiting:
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    await woken.wait(SWEEP_SECONDS)

    async def _round(self, client: httpx.AsyncClient) -> bool:
        """Write, then switch what is applied; True while a candidate still waits."""
        waiting = await self._database.run(publish, self._file)
        left = False
        for candidate in waiting:
            if await self._applied(client, candidate):
                await self._database.run(go_live, candidate)
                log.info("live", deployment=candidate.deployment, environment=candidate.environment)
            else:
                left = True
        return left

    async def _applied(self, client: httpx.AsyncClient, candidate: Candidate) -> bool:
        """True when Traefik's live servers are the candidate's, for every service. A Traefik that is away: not yet."""
        if not self._api:
            await asyncio.sleep(TRUST_SECONDS if candidate.servers else 0)
            return True
        for service, endpoint in candidate.servers.items():
            try:
                answer = await client.get(f"{self._api}/api/http/services/{service}@file")
            except httpx.TransportError:
                await asyncio.sleep(POLL_SECONDS)
                return False
            if answer.status_code != httpx.codes.OK or _servers(answer) != [endpoint]:
                return False
        return True


@transaction.atomic
def publish(file: Path | None) -> list[Candidate]:
    """Write the document when it differs, and return who waits for it.

    One worker at a time from look to write, so that none overwrites the file with what it saw earlier.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROUTES_LOCK])
    environments = routes.serving()
    if file is not None:
        write(file, routes.document(environments))
    return routes.candidates(environments)


@transaction.atomic
def go_live(candidate: Candidate) -> None:
    """Make the candidate live, unless it is not the candidate any more or its endpoints moved meanwhile."""
    environment = lifecycle.locked(candidate.environment)
    if environment is None or environment.candidate is None:
        return
    now = [found for found in routes.candidates([environment]) if found == candidate]
    if now:
        lifecycle.go_live(environment)


def write(file: Path, document: Document) -> bool:
    """Replace `file` in one step when its content differs; True when it did. One caller at a time."""
    content = json.dumps(document, indent=1, sort_keys=True)
    try:
        if file.read_text() == content:
            return False
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    # Not below a name that Traefik's directory watch would read: it takes .yml, .yaml and .toml.
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_text(content)
    temporary.replace(file)
    return True


def _servers(answer: httpx.Response) -> list[str]:
    balancer = answer.json().get("loadBalancer") or {}
    return [server.get("url", "") for server in balancer.get("servers") or []]
