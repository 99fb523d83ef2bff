"""The last log lines of a deployment, read back from the bus."""

import asyncio
from collections import deque
from contextlib import aclosing

import structlog
from django.conf import settings

from seatrial.control.log_tails import Link, LogTails
from seatrial.control.previews.models import Deployment
from seatrial.wire import subjects
from seatrial.wire.logs import SYSTEM_SERVICE, LogChunk

log = structlog.get_logger(__name__)

MOST_LINES = 50
NEWEST_CHUNKS = 50
PATIENCE_SECONDS = 10.0


def last_lines(deployment: Deployment) -> list[str]:
    """The newest lines that are stored of a deployment, which is on an agent, with the names of their services.

    There are none when the bus does not answer in time. It makes a connection of its own: the caller is a thread without a loop.
    """
    try:
        return asyncio.run(_read(deployment))
    except (TimeoutError, OSError) as error:
        log.warning("log lines not read for a comment", deployment=deployment.pk, error=str(error))
        return []


async def _read(deployment: Deployment) -> list[str]:
    agent = deployment.agent_id or ""

    async def believed(speaker: str, spoken_of: str) -> bool:
        return (speaker, spoken_of) == (agent, deployment.pk)

    chosen = subjects.logs_of_deployment(deployment.environment_id, deployment.pk, agent=agent)
    tails = LogTails(lambda: settings.CONFIGURATION)
    lines: deque[str] = deque(maxlen=MOST_LINES)
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with aclosing(tails.tail(chosen, newest=NEWEST_CHUNKS, believed=believed)) as items:
            async for item in items:
                if isinstance(item, LogChunk):
                    lines.extend(_lines(item))
                elif item in (Link.CAUGHT_UP, Link.AWAY):
                    break
    return list(lines)


def _lines(chunk: LogChunk) -> list[str]:
    name = "" if chunk.service == SYSTEM_SERVICE else f"{chunk.service}: "
    return [f"{name}{line.text}" for line in chunk.lines]
