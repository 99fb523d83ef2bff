"""Gathers lines into chunks, in order: for 50 ms or up to 200 lines, whichever comes first."""

import asyncio
from dataclasses import dataclass

from seatrial.agent.bus.reports import Reports
from seatrial.agent.logs.masking import Masks
from seatrial.agent.logs.shares import Shares
from seatrial.wire.logs import LogChunk, LogLine
from seatrial.wire.words import LogSource

GATHER_SECONDS = 0.05
MAX_LINES = 200
MAX_CHARACTERS = 4_000
CHUNK_BYTES = 500  # of a chunk beside its lines, about
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
    slows down its own follower instead of filling memory. Lines of builds and services beyond their environment's share
    are left out, saying so in their own channel: where that begins, and how many they were once lines are sent again.
    Secrets that `masks` knows are in none.
    """

    def __init__(self, reports: Reports, shares: Shares) -> None:
        self._reports = reports
        self._shares = shares
        self._batches: dict[Channel, _Batch] = {}
        self._left_out: dict[Channel, int] = {}
        self._continued: set[Channel] = set()  # the last line of which was too long: the next one may go on
        self.masks = Masks()

    async def write(self, channel: Channel, line: LogLine) -> None:
        """Take one line, or leave it out."""
        line = capped(self._masked(channel, line))
        batch = self._batches.get(channel)
        if batch is None:
            batch = self._batches[channel] = _Batch(self._reports, channel)
        size = len(line.model_dump_json()) + (0 if batch.is_begun else CHUNK_BYTES)
        if line.source == LogSource.SYSTEM or self._shares.take(channel.environment, size):
            await self._say_how_many(channel, batch)
            await batch.add(line)
        else:
            await self._leave_out(channel, batch)

    def _masked(self, channel: Channel, line: LogLine) -> LogLine:
        continued, long = channel in self._continued, len(line.text) > MAX_CHARACTERS
        (self._continued.add if long else self._continued.discard)(channel)
        text = self.masks.masked(channel.environment, line.text, continued=continued)
        return line if text == line.text else line.model_copy(update={"text": text})

    async def _leave_out(self, channel: Channel, batch: "_Batch") -> None:
        before = self._left_out.get(channel, 0)
        self._left_out[channel] = before + 1
        if before:
            await asyncio.sleep(0)  # whoever prints without end must not have the loop to itself
            return
        share = self._shares.bytes_per_hour // 1_000_000
        text = (
            f"[log lines are left out from here: this preview sends more than {share} MB an hour;"
            " the agent's GALLEY_LOG_MB_PER_HOUR sets how much it may]"
        )
        await batch.add(LogLine(source=LogSource.SYSTEM, text=text))

    async def _say_how_many(self, channel: Channel, batch: "_Batch") -> None:
        if count := self._left_out.pop(channel, 0):
            text = f"[{count:,} log lines were left out here]"
            await batch.add(LogLine(source=LogSource.SYSTEM, text=text))

    async def build_line(self, channel: Channel, text: str) -> None:
        """Take one line of a build."""
        await self.write(channel, LogLine(source=LogSource.BUILD, text=text))

    async def flush(self, deployment: str | None = None) -> None:
        """Send what is gathered now (of one deployment, or of all) and forget the idle channels."""
        for channel in [c for c in self._batches if deployment in {None, c.deployment}]:
            batch = self._batches.pop(channel)
            self._continued.discard(channel)
            await self._say_how_many(channel, batch)
            await batch.flush()


class _Batch:
    def __init__(self, reports: Reports, channel: Channel) -> None:
        self._reports = reports
        self._channel = channel
        self._lines: list[LogLine] = []
        self._characters = 0
        self._sending = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    @property
    def is_begun(self) -> bool:
        """Whether the next line goes along with others."""
        return bool(self._lines)

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
