"""The host's side of one sandbox: sends frames, receives frames, and can end it, which nothing inside can prevent."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from seatrial.agent.sandboxes.frames import HEADER, Decoder, Frame, FrameError, Kind, body_of, pack, read_json
from seatrial.wire.states import Isolation

MAX_FRAME = 4 << 20
MAX_SENT = 24 << 20  # bytes of one frame to the sandbox, whose program takes a little more
MAX_SAID = 160 << 20
MAX_WAITING = 64  # frames read but not yet handled; at this limit, reading from the sandbox pauses


class SandboxError(Exception):
    """A sandbox could not be started, or was lost. The text says why.

    `lasting`: an early retry would fail again. A failed start has a cost: some engines leave processes of the failed
    gVisor sandbox behind.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class TooLarge(Exception):
    """A frame that a sandbox would not take. Nothing of it was sent."""


class Pipe(Protocol):
    """The bytes to and from one sandbox. Every call may raise OSError if the sandbox is gone."""

    async def read(self) -> bytes:
        """Some bytes of the frames; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""

    async def destroy(self) -> None:
        """End the sandbox and remove every trace of it. Idempotent; never raises."""

    def diagnosis(self) -> str:
        """The sandbox's own error output, for people; may be empty."""


class Place(NamedTuple):
    """A sandbox for a tool: its pipe, the folder of programs in it, and the one that it may write to."""

    pipe: Pipe
    programs: str
    folder: str


class Sandbox:
    """A started sandbox. Single use: the code that claims it destroys it."""

    def __init__(self, pipe: Pipe, isolation: Isolation, name: str) -> None:
        self.isolation = isolation
        self.name = name
        self.idle: list[int] = []  # channels of children that wait for a policy
        self.networked = (
            False  # as its warden says: it may be on a network that its runtime gives it no part of
        )
        self._pipe = pipe
        self._frames: asyncio.Queue[Frame | SandboxError] = asyncio.Queue(MAX_WAITING)
        self._lost: SandboxError | None = None
        self._reader = asyncio.create_task(self._read(), name=f"read {name}")

    @property
    def alive(self) -> bool:
        """Whether the sandbox has not ended yet, as far as is known."""
        return self._lost is None and not self._reader.done()

    async def warm(self, children: int) -> None:
        """Wait until `children` children are ready for a policy. Raises SandboxError if the sandbox ends first."""
        while len(self.idle) < children:
            frame = await self.receive()
            if frame.kind != Kind.HELLO:
                raise SandboxError("the sandbox sent something before it was given a policy")
            self.networked = read_json(frame.body) == {"networked": True}
            self.idle.append(frame.channel)

    async def receive(self) -> Frame:
        """The next frame. Raises SandboxError when the sandbox ends or exceeds a limit, and on every later call."""
        if self._lost is not None and self._frames.empty():
            raise self._lost
        item = await self._frames.get()
        if isinstance(item, SandboxError):
            raise item
        return item

    async def send(self, kind: Kind, channel: int, value: Any) -> None:
        """Send one frame. Raises what `send_body` raises."""
        await self.send_body(kind, channel, body_of(value))

    async def send_body(
        self, kind: Kind, channel: int, body: bytes, count: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send one frame. Raises SandboxError if the sandbox is gone, TooLarge above MAX_SENT, and what `count` raises, which is
        told the bytes of the frame first."""
        size = HEADER.size + len(body)
        count(size)
        if size > MAX_SENT:
            raise TooLarge(f"{size / (1 << 20):.0f} MB; at most {MAX_SENT >> 20} MB are given at once")
        try:
            await self._pipe.write(pack(kind, channel, body))
        except OSError as error:
            raise SandboxError(f"the sandbox is gone: {error}") from error

    async def destroy(self) -> None:
        """End it. Idempotent."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._pipe.destroy()

    async def _read(self) -> None:
        decoder = Decoder(MAX_FRAME, MAX_SAID)
        why = "the sandbox ended"
        try:
            while data := await self._pipe.read():
                for frame in decoder.feed(data):
                    await self._frames.put(frame)
        except (FrameError, OSError) as error:
            why = str(error)
        said = self._pipe.diagnosis()
        self._lost = SandboxError(f"{why}: {said}" if said else why)
        with contextlib.suppress(asyncio.CancelledError):
            await self._frames.put(self._lost)
