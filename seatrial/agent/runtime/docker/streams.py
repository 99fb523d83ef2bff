"""Log lines and events, as they happen."""

import asyncio
import json
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import aiodocker
import aiohttp

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.base import Change
from seatrial.agent.runtime.docker.shapes import label_filter, timestamp
from seatrial.wire.logs import LogLine

MAX_LINE = 16_384  # bytes of one line kept while waiting for its end; the rest starts a new one
_NAMES = {1: "stdout", 2: "stderr"}
_ACTIONS = {"start", "die", "stop", "kill", "oom", "destroy", "pause", "unpause", "restart"}
_GONE = (aiohttp.ClientError, asyncio.IncompleteReadError, ConnectionError)


class Streams:
    """The log and event part of `Runtime`."""

    engine: Engine

    async def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """See Runtime."""
        params: dict[str, Any] = {
            "stdout": True,
            "stderr": True,
            "follow": follow,
            "timestamps": True,
            "tail": "all" if tail is None else str(tail),
        }
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        try:
            with self.engine.calls():
                async with self.engine.streams._query(f"containers/{name}/logs", params=params) as response:
                    try:
                        async with aclosing(_lines(response.content)) as lines:
                            async for line in lines:
                                if since is None or line.at > since:
                                    yield line
                    finally:
                        response.close()
        except aiodocker.DockerError as error:
            if error.status not in {404, 409}:  # 409: it is being removed right now
                raise

    async def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """See Runtime."""
        # From now, not from when the engine has taken the request: whoever looks from now on misses nothing.
        params = {
            "filters": json.dumps(label_filter(labels) | {"type": ["container"]}),
            "since": f"{time.time():.6f}",
        }
        with self.engine.calls():
            async with self.engine.streams._query("events", params=params) as response:
                try:
                    async for raw in _events(response.content):
                        event = json.loads(raw)
                        if event["Action"] in _ACTIONS:
                            attributes = event["Actor"]["Attributes"]
                            yield Change(str(attributes.get("name", "")), attributes, event["Action"])
                finally:
                    response.close()


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    while True:
        try:
            raw = await content.readline()
        except _GONE:
            return
        if not raw:
            return
        yield raw


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[LogLine, None]:
    """Frames of the engine's multiplexed stream, cut into lines, each stream for itself."""
    pending = {1: b"", 2: b""}
    while (frame := await _frame(content)) is not None:
        kind, data = frame
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


async def _frame(content: aiohttp.StreamReader) -> tuple[int, bytes] | None:
    try:
        kind, length = struct.unpack(">BxxxL", await content.readexactly(8))
        return (2 if kind == 2 else 1), await content.readexactly(length)
    except _GONE:
        return None


def _line(kind: int, raw: bytes) -> LogLine:
    stamp, _, text = raw.decode(errors="replace").partition(" ")
    try:
        at = timestamp(stamp)
    except ValueError:
        at, text = None, raw.decode(errors="replace")
    return LogLine(at=at or datetime.now(UTC), source="service", stream=_NAMES[kind], text=text.rstrip("\r"))
