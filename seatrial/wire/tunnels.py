"""Tunnels into previews: what somebody does by hand in one of its services, over the bus.

The control plane asks an agent with `OpenTunnel`, a plain NATS message that is stored nowhere; both sides then send *frames* on the
two subjects of the tunnel. A frame is its kind (a byte), its number within its direction (4 bytes, from 0) and its content. One that
is missing ends the tunnel: nothing is ever carried with a gap. What is carried (the kinds in DATA) is not sent beyond WINDOW bytes that
the other side has not TAKEN, so a slow reader fills nobody's memory. Who has nothing to say sends ALIVE; a side that hears nothing for
SILENT_SECONDS ends the tunnel, and the agent ends what runs for it. So a killed control plane leaves nothing behind. The agent speaks first:
before that, it may not hear anything yet.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import Field

from seatrial.wire.envelope import Message, Part
from seatrial.wire.errors import TunnelLost
from seatrial.wire.words import KNOWN_FIRST

WINDOW = 262_144
PIECE = 32_768  # bytes of one frame at most
ALIVE_SECONDS = 10.0
SILENT_SECONDS = 35.0
MOST_COMMAND = 100_000  # characters
_HEAD = struct.Struct(">BI")
_SIZE = struct.Struct(">HH")
_COUNT = struct.Struct(">I")


class Carries(StrEnum):
    """What a tunnel carries: the streams of a command in a container, or one TCP connection to a port."""

    COMMAND = "command"
    CONNECTION = "connection"


class Outcome(StrEnum):
    """Why a tunnel ended."""

    ENDED = "ended"  # the command did, or the service closed the connection
    REFUSED = "refused"  # it could not be opened
    IDLE = "idle"
    LOST = "lost"  # one side, or the bus between them, went away
    CLOSED = "closed"  # by whoever opened it
    FORBIDDEN = "forbidden"  # they may not do this any more
    STOPPED = "stopped"  # the preview does not run any more


class Kind(IntEnum):
    """The kinds of frames."""

    OPENED = 1
    INPUT = 2  # to the service
    OUTPUT = 3
    ERRORS = 4  # on stderr
    INPUT_ENDS = 5
    OUTPUT_ENDS = 6
    RESIZE = 7
    TAKEN = 8
    ALIVE = 9
    END = 10


DATA = frozenset({Kind.INPUT, Kind.OUTPUT, Kind.ERRORS})


class OpenTunnel(Message):
    """Request a tunnel. The service is one of `deployment`, or outlives deployments. `command` and `terminal`, or `port`."""

    tunnel: str
    environment: str
    deployment: str
    service: str
    carries: Annotated[Carries | str, KNOWN_FIRST]
    command: list[str] = Field(default_factory=list)
    terminal: bool = False
    fed: bool = False  # whether the command gets input
    rows: int = 0
    columns: int = 0
    port: int = 0


class TunnelEnd(Part):
    """The content of END. `text` says it to people; empty where `outcome` and `exit_code` say all."""

    outcome: Annotated[Outcome | str, KNOWN_FIRST]
    exit_code: int | None = None
    text: str = ""


Publish = Callable[[bytes], Awaitable[None]]


class Way:
    """One side of a tunnel. `received` is called with each message from the bus, in order; one task sends and one reads."""

    def __init__(self, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        self._publish = publish
        self._clock = clock
        self._sent = self._got = 0
        self._untaken = self._held = 0
        self._heard = self._carried = clock()
        self._met = asyncio.Event()
        self._room = asyncio.Event()
        self._turn = asyncio.Lock()
        self._frames: asyncio.Queue[tuple[Kind, bytes] | None] = asyncio.Queue()
        self._broken = ""

    @property
    def idle_seconds(self) -> float:
        """Since when nothing was carried, in either direction."""
        return self._clock() - self._carried

    async def met(self) -> None:
        """Wait until the other side has said anything. The one that asks for a tunnel sends nothing before: it would not be heard.

        Raises TunnelLost.
        """
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await self._met.wait()
        except TimeoutError:
            self.broke("the other side does not answer")
        self._check()

    async def send(self, kind: Kind, content: bytes = b"") -> None:
        """Send one frame; what is carried waits for room. Raises TunnelLost."""
        if kind in DATA:
            for begin in range(0, len(content), PIECE):
                await self._send_data(kind, content[begin : begin + PIECE])
            return
        await self._put(kind, content)

    async def _send_data(self, kind: Kind, piece: bytes) -> None:
        while self._untaken and self._untaken + len(piece) > WINDOW:
            self._room.clear()
            self._check()
            await self._room.wait()
        self._check()
        self._untaken += len(piece)
        self._carried = self._clock()
        await self._put(kind, piece)

    async def _put(self, kind: Kind, content: bytes) -> None:
        async with self._turn:
            number, self._sent = self._sent, self._sent + 1
            await self._publish(_HEAD.pack(kind, number) + content)

    def received(self, message: bytes) -> None:
        """Take one message from the bus. A wrong one breaks the tunnel: whoever reads or sends is told."""
        try:
            number, kind = _HEAD.unpack_from(message)[1], Kind(message[0])
        except (struct.error, ValueError, IndexError):
            self.broke("it sent what is no frame")
            return
        if number != self._got:
            self.broke("a part of it is missing: the bus was away")
            return
        self._got += 1
        self._heard = self._clock()
        self._met.set()
        self._take(kind, message[_HEAD.size :])

    def _take(self, kind: Kind, content: bytes) -> None:
        if kind is Kind.TAKEN:
            self._untaken -= _COUNT.unpack(content)[0] if len(content) == _COUNT.size else 0
            self._room.set()
            return
        if kind in DATA:
            self._held += len(content)
            self._carried = self._clock()
            if self._held > WINDOW + PIECE:
                self.broke("it sent more than there was room for")
                return
        if kind is not Kind.ALIVE:
            self._frames.put_nowait((kind, content))

    def broke(self, why: str) -> None:
        """From now on every call raises TunnelLost."""
        self._broken = self._broken or why
        self._met.set()
        self._room.set()
        self._frames.put_nowait(None)

    async def read(self) -> tuple[Kind, bytes]:
        """The next frame. Call `took` once what it carries has gone on. Raises TunnelLost."""
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
            raise TunnelLost(self._broken)
        return frame

    async def took(self, content: bytes) -> None:
        """Give the room of `content` back to the other side."""
        self._held -= len(content)
        if content:
            await self._put(Kind.TAKEN, _COUNT.pack(len(content)))

    async def stay(self) -> None:
        """Show that this side is there, until the other one is not; then return. Runs beside whoever reads and sends."""
        while not self._broken:
            await self._put(Kind.ALIVE, b"")
            await asyncio.sleep(ALIVE_SECONDS)
            if self._clock() - self._heard > SILENT_SECONDS:
                self.broke("the other side is silent")

    def _check(self) -> None:
        if self._broken:
            raise TunnelLost(self._broken)


def size_of(rows: int, columns: int) -> bytes:
    """The content of RESIZE."""
    return _SIZE.pack(min(max(rows, 0), 65_535), min(max(columns, 0), 65_535))


def sized(content: bytes) -> tuple[int, int] | None:
    """Rows and columns; None where that is no size."""
    if len(content) != _SIZE.size:
        return None
    rows, columns = _SIZE.unpack(content)
    return (rows, columns) if rows and columns else None
