"""The last log lines of a deployment, read back from the bus."""

import asyncio
from collections import deque
from contextlib import aclosing

import structlog
from django.conf import settings

from seatrial.control.errors import ControlError
from seatrial.control.log_tails import Link, LogTails
from seatrial.control.previews.models import Deployment
from seatrial.wire import subjects
from seatrial.wire.logs import LogChunk
from seatrial.wire.words import SYSTEM_SERVICE, LogSource

log = structlog.get_logger(__name__)

MOST_LINES = 50
NEWEST_CHUNKS = 50
NEWEST_OF_SERVICES = 2_000
PATIENCE_SECONDS = 10.0


class LinesUnread(ControlError):
    """The bus did not say what a preview has logged."""

    code = "lines_unread"

    def __init__(self, why: str) -> None:
        super().__init__(f"the bus did not give the log of the preview ({why})")


def last_lines(deployment: Deployment) -> list[str]:
    """The newest lines that are stored of a deployment, which is on an agent, with the names of their services.

    There are none when the bus does not answer in time. It makes a connection of its own: the caller is a thread without a loop.
    """
    try:
        chunks = asyncio.run(_read(deployment))
    except (TimeoutError, OSError) as error:
        log.warning("log lines not read for a comment", deployment=deployment.pk, error=str(error))
        return []
    return [line for chunk in chunks for line in _lines(chunk)][-MOST_LINES:]


def lines_of_services(deployment: Deployment, *, most: int) -> dict[str, list[str]]:
    """Of each service that has said something, the newest `most` lines that are stored. Raises LinesUnread."""
    lines: dict[str, deque[str]] = {}
    try:
        for chunk in asyncio.run(_read(deployment, NEWEST_OF_SERVICES)):
            kept = lines.setdefault(chunk.service, deque(maxlen=most))
            kept.extend(line.text for line in chunk.lines if line.source == LogSource.SERVICE)
    except (TimeoutError, OSError) as error:
        raise LinesUnread(str(error) or type(error).__name__) from error
    lines.pop(SYSTEM_SERVICE, None)
    return {service: list(kept) for service, kept in lines.items()}


async def _read(deployment: Deployment, newest: int = NEWEST_CHUNKS) -> list[LogChunk]:
    """Raises TimeoutError or OSError if the bus does not say what there is."""
    agent = deployment.agent_id or ""

    async def believed(speaker: str, spoken_of: str) -> bool:
        return (speaker, spoken_of) == (agent, deployment.pk)

    chosen = subjects.logs_of_deployment(deployment.environment_id, deployment.pk, agent=agent)
    tails = LogTails(lambda: settings.CONFIGURATION)
    chunks: list[LogChunk] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with aclosing(tails.tail(chosen, newest=newest, believed=believed)) as items:
            async for item in items:
                if isinstance(item, LogChunk):
                    chunks.append(item)
                elif item is Link.CAUGHT_UP:
                    return chunks
                elif item is Link.AWAY:
                    break
    raise TimeoutError("the bus is away")


def _lines(chunk: LogChunk) -> list[str]:
    name = "" if chunk.service == SYSTEM_SERVICE else f"{chunk.service}: "
    return [f"{name}{line.text}" for line in chunk.lines]
