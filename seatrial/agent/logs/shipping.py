"""Gathers lines into chunks, in order: for 50 ms or up to 200 lines, whichever comes first."""

import asyncio
from dataclasses import dataclass

from seatrial.agent.bus.reports import Reports
from seatrial.wire.logs import LogChunk, LogLine
from seatrial.wire.words import LogSource

GATHER_SECONDS = 0.05
MAX_LINES = 200
MAX_CHARACTERS = 4_000
MAX_CHUNK_CHARACTERS = 400_000  # JSON may double it; the bus takes 900,000 bytes
_CUT = " [line cut]"


@dataclass(frozen=True)
class Channel:
    """The origin of lines: which service of which deployment."""

    workspace: str
    environment: str
    deployment: str
    service: str


class LogShipping:
    """Takes lines of any number of channels.

    `write` waits while its channel's chunk is being sent, so a service that prints faster than the bus accepts
    slows down its own follower instead of filling memory.
    """

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._batches: dict[Channel, _Batch] = {}

    async def write(self, channel: Channel, line: LogLine) -> None:
        """Take one line."""
        batch = self._batches.get(channel)
        if batch is None:
            batch = self._batches[channel] = _Batch(self._reports, channel)
        await batch.add(capped(line))

    async def build_line(self, channel: Channel, text: str) -> None:
        """Take one line of a build."""
        await self.write(channel, LogLine(source=LogSource.BUILD, text=text))

    async def flush(self, deployment: str | None = None) -> None:
        """Send what is gathered now (of one deployment, or of all) and forget the idle channels."""
        for channel in [c for c in self._batches if deployment in {None, c.deployment}]:
            await self._batches.pop(channel).flush()


class _Batch:
    def __init__(self, reports: Reports, channel: Channel) -> None:
        self._reports = reports
        self._channel = channel
        self._lines: list[LogLine] = []
        self._characters = 0
        self._sending = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    async def add(self, line: LogLine) -> None:
        self._lines.append(line)
        self._characters += len(line.text)
        if len(self._lines) >= MAX_LINES or self._characters >= MAX_CHUNK_CHARACTERS:
            await self.flush()
        elif self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._later())

    async def _later(self) -> None:
        while self._lines:  # also lines that arrived while the earlier ones were sent
            await asyncio.sleep(GATHER_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        async with self._sending:
            lines, self._lines, self._characters = self._lines, [], 0
            if not lines:
                return
            chunk = LogChunk(
                environment=self._channel.environment,
                deployment=self._channel.deployment,
                service=self._channel.service,
                lines=lines,
            )
            await self._reports.log(chunk, workspace=self._channel.workspace)


def capped(line: LogLine) -> LogLine:
    """The line, cut at 4,000 characters with a note."""
    if len(line.text) <= MAX_CHARACTERS:
        return line
    return line.model_copy(update={"text": line.text[: MAX_CHARACTERS - len(_CUT)] + _CUT})
