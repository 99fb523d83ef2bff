"""The warden's side of one child: its process, its pipe, its output, its deadline."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable

from seatrial.sandbox.child import live
from seatrial.sandbox.frames import FROM_CHILD, Decoder, Frame, Kind, MalformedFrame
from seatrial.sandbox.quarters import Quarters

MAX_FRAME = 2 << 20  # bytes of one frame from a child
MAX_SPOKEN = 8 << 20  # bytes of all frames of one child together
MAX_KEPT_OUTPUT = 16 << 10  # bytes of a child's output that are kept for the logs
MAX_OUTPUT = 1 << 20  # bytes that a child may print before it is ended
PROMPT_SECONDS = 0.05  # in which the host usually answers; what it takes longer is not the policy's time


class Misbehaved(Exception):
    """The child broke a rule of the pipe. `how` is the word for what it did."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Worker:
    """One forked child, single use. Only the warden calls this, and no call blocks."""

    def __init__(self, channel: int, quarters: Quarters) -> None:
        self.channel = channel
        self.started: float | None = None
        self.deadline: float | None = None
        self.output = bytearray()
        self.done = False  # whether the child has sent its result
        self._asked: float | None = None  # since when the child waits for an answer
        self._spoken = 0
        self._printed = 0
        self._unsent = bytearray()
        self._decoder = Decoder(MAX_FRAME)
        self.line, theirs = socket.socketpair()
        self.printed, their_output = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            live(theirs, their_output, channel, quarters)
        theirs.close()
        os.close(their_output)
        self.line.setblocking(False)
        os.set_blocking(self.printed, False)

    def begin(self, frame: bytes, seconds: float) -> None:
        """Hand the policy over and start its clock."""
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.write(frame)

    @property
    def waiting(self) -> bool:
        """Whether the child waits for the host. Its time stands still meanwhile, which the host itself limits."""
        return self._asked is not None

    @property
    def overdue(self) -> bool:
        """Whether its time is over."""
        return not self.waiting and self.deadline is not None and self.deadline <= time.monotonic()

    @property
    def writing(self) -> bool:
        """Whether bytes are waiting for the child to read them."""
        return bool(self._unsent)

    def answer(self, frame: bytes) -> None:
        """Pass on the answer to the child's question; drop it if the child did not ask."""
        if self._asked is None:
            return
        if self.deadline is not None:
            self.deadline += max(0.0, time.monotonic() - self._asked - PROMPT_SECONDS)
        self._asked = None
        self.write(frame)

    def write(self, data: bytes = b"") -> None:
        """Send bytes left from before, then `data`, as far as the child takes them."""
        self._unsent += data
        try:
            while self._unsent:
                del self._unsent[: self.line.send(self._unsent[: 1 << 18])]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # the child is gone; the warden notices that elsewhere

    def read(self, forward: Callable[[Frame], None]) -> bool:
        """Pass on every frame that the child has sent; False at its end. Raises Misbehaved."""
        try:
            data = self.line.recv(1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._spoken += len(data)
        if self._spoken > MAX_SPOKEN:
            raise Misbehaved("flooded")
        self._decoder.feed(data)
        try:
            while not self.done and (frame := self._decoder.next()) is not None:
                self._check(frame)
                forward(frame._replace(channel=self.channel))
        except MalformedFrame as error:
            raise Misbehaved("flooded") from error
        return bool(data) and not self.done

    def _check(self, frame: Frame) -> None:
        if frame.kind not in FROM_CHILD or (frame.kind == Kind.ASK and self._asked):
            raise Misbehaved("broke the protocol")
        if frame.kind == Kind.ASK:
            self._asked = time.monotonic()
        elif frame.kind == Kind.RESULT:
            self.done, self._asked = True, None

    def read_output(self) -> bool:
        """Keep the beginning of the child's output; False at its end. Raises Misbehaved if there is far too much."""
        try:
            data = os.read(self.printed, 1 << 16)
        except BlockingIOError:
            return True
        self._printed += len(data)
        self.output += data[: max(0, MAX_KEPT_OUTPUT - len(self.output))]
        if self._printed > MAX_OUTPUT:
            raise Misbehaved("printed")
        return bool(data)

    def end(self) -> int:
        """Kill the child, reap it and close its files. Returns its exit code, or minus the signal that ended it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.line.close()
        os.close(self.printed)
        return os.waitstatus_to_exitcode(status)
