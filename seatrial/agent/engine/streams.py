"""Log lines and events, as they happen."""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime

import aiohttp

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.frames import GONE, frames
from seatrial.agent.engine.shapes import label_filter, timestamp
from seatrial.agent.vocabulary.containers import Change
from seatrial.agent.vocabulary.errors import EngineRefused
from seatrial.wire.logs import LogLine
from seatrial.wire.words import LogSource, LogStream

MAX_LINE = 16_384  # bytes of one line kept while waiting for its end; the rest starts a new one
_NAMES = {1: LogStream.STDOUT, 2: LogStream.STDERR}
_ACTIONS = {"start", "die", "stop", "kill", "oom", "destroy", "pause", "unpause", "restart"}


class Streams:
    """Calls that hold a connection for as long as they are read. See the room's contract."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """Lines of the container, oldest first, none at or before `since`; ends when it exits (or at once unless
        `follow`), and when the engine stops. Empty if there is no such container."""
        params = {
            "stdout": "1",
            "stderr": "1",
            "follow": "1" if follow else "0",
            "timestamps": "1",
            "tail": "all" if tail is None else str(tail),
        }
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        try:
            async with (
                self._connection.request("GET", f"containers/{name}/logs", params=params) as answer,
                aclosing(_lines(answer.content)) as lines,
            ):
                async for line in lines:
                    if since is None or line.at > since:
                        yield line
        except EngineRefused as error:
            if not error.absent and error.status != 409:  # 409: it is being removed right now
                raise

    async def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """Changes of containers that carry every one of `labels`, from now on. Ends when the engine stops."""
        # From now, not from when the engine accepts the request: a caller that lists containers afterwards misses nothing.
        params = {
            "filters": json.dumps(label_filter(labels) | {"type": ["container"]}),
            "since": f"{time.time():.6f}",
        }
        async with self._connection.request("GET", "events", params=params) as answer:
            async for raw in _events(answer.content):
                event = json.loads(raw)
                if event["Action"] in _ACTIONS:
                    attributes = event["Actor"]["Attributes"]
                    yield Change(str(attributes.get("name", "")), attributes, event["Action"])


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    while True:
        try:
            raw = await content.readline()
        except GONE:
            return
        if not raw:
            return
        yield raw


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[LogLine, None]:
    """What the engine sends, cut into lines, each stream for itself."""
    pending = {1: b"", 2: b""}
    async for kind, data in frames(content):
        *whole, rest = (pending[kind] + data).split(b"\n")
        if len(rest) > MAX_LINE:
            whole.append(rest)
            rest = b""
        pending[kind] = rest
        for raw in whole:
            yield _line(kind, raw)
    for kind, rest in pending.items():
        if rest:
            yield _line(kind, rest)


def _line(kind: int, raw: bytes) -> LogLine:
    stamp, _, text = raw.decode(errors="replace").partition(" ")
    try:
        at = timestamp(stamp)
    except ValueError:
        at, text = None, raw.decode(errors="replace")
    return LogLine(
        at=at or datetime.now(UTC), source=LogSource.SERVICE, stream=_NAMES[kind], text=text.rstrip("\r")
    )
