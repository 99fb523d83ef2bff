"""The first process of the sandbox: keeps the children, passes frames on, ends children that exceed their time.

Children are forked before any tenant's data arrives. They have quarters of their own, so that they can reach neither
the warden nor each other. The warden never reads the content of their frames: it looks at the kind of a frame, writes the
true channel into it, and passes it on; the host judges it.
"""

import json
import os
import selectors
import time
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.sandbox.frames import Decoder, Frame, Kind, encode, pack
from seatrial.sandbox.quarters import Quarters
from seatrial.sandbox.worker import Misbehaved, Worker

MAX_FROM_HOST = 32 << 20


@dataclass(frozen=True)
class Pipes:
    """The two file descriptors to the host."""

    read: int
    write: int

    def send(self, data: bytes) -> None:
        """Write all of it, waiting while the host is slow."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.write, view) :]


class Warden:
    """One sandbox, from its first fork until the host closes the pipe."""

    def __init__(self, pipes: Pipes, *, networked: bool = False) -> None:
        self._pipes = pipes
        self._networked = networked
        self._workers: dict[int, Worker] = {}
        self._resting: list[Worker] = []  # have sent their results, and are not ended yet
        self._selector = selectors.DefaultSelector()
        self._decoder = Decoder(MAX_FROM_HOST)
        os.set_blocking(pipes.read, False)

    def fork(self, quarters: Iterable[Quarters]) -> None:
        """Fork a child for each of `quarters`, and report each to the host."""
        for channel, its_own in enumerate(quarters, start=1):
            worker = Worker(channel, its_own)
            self._workers[channel] = worker
            self._selector.register(worker.line, selectors.EVENT_READ, ("line", channel))
            self._selector.register(worker.printed, selectors.EVENT_READ, ("output", channel))
            self._pipes.send(encode(Kind.HELLO, channel, {"networked": self._networked}))

    def serve(self) -> None:
        """Run until the host closes its end."""
        self._selector.register(self._pipes.read, selectors.EVENT_READ, ("host", 0))
        while True:
            for key, events in self._selector.select(self._patience()):
                source, channel = key.data
                if source == "host":
                    if not self._hear_host():
                        return
                elif channel in self._workers:
                    self._attend(self._workers[channel], source, events)
            self._enforce_deadlines()

    def close(self) -> None:
        """End every remaining child, because the host no longer listens."""
        self._end_resting()
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()

    def _patience(self) -> float | None:
        workers = [*self._workers.values(), *self._resting]
        deadlines = [w.deadline for w in workers if w.deadline is not None and not w.waiting]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _hear_host(self) -> bool:
        try:
            data = os.read(self._pipes.read, 1 << 18)
        except BlockingIOError:
            return True
        self._decoder.feed(data)
        while (frame := self._decoder.next()) is not None:
            self._obey(frame)
        return bool(data)

    def _obey(self, frame: Frame) -> None:
        worker = self._workers.get(frame.channel)
        if worker is None:
            return  # the child ended while this frame was on its way
        if frame.kind == Kind.STOP:
            self._end(worker, "stopped")
            return
        data = pack(Kind(frame.kind), frame.channel, frame.body)
        if frame.kind == Kind.RUN and worker.started is None:
            worker.begin(data, json.loads(frame.body)["timeout_seconds"])
        elif frame.kind == Kind.ANSWER:
            worker.answer(data)
        self._watch(worker)

    def _watch(self, worker: Worker) -> None:
        # A child that does not read its answers is not listened to: its full pipe then blocks it.
        events = selectors.EVENT_WRITE if worker.writing else selectors.EVENT_READ
        if self._selector.get_key(worker.line).events != events:
            self._selector.modify(worker.line, events, ("line", worker.channel))

    def _attend(self, worker: Worker, source: str, events: int) -> None:
        try:
            if source == "output":
                if not worker.read_output():
                    self._selector.unregister(worker.printed)
                return
            if events & selectors.EVENT_WRITE:
                worker.write()
                self._watch(worker)
            elif not worker.read(self._forward):
                self._end(worker, "finished" if worker.done else "vanished")
        except Misbehaved as error:
            self._end(worker, error.how)

    def _forward(self, frame: Frame) -> None:
        self._pipes.send(pack(Kind(frame.kind), frame.channel, frame.body))

    def _enforce_deadlines(self) -> None:
        for worker in [worker for worker in self._workers.values() if worker.overdue]:
            self._end(worker, "timed out")
        if any(worker.overdue for worker in self._resting):
            self._end_resting()

    def _end(self, worker: Worker, how: str) -> None:
        seconds = time.monotonic() - (worker.started or time.monotonic())
        del self._workers[worker.channel]
        self._drain(worker)
        for source in (worker.line, worker.printed):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        code = self._let_rest(worker) if how == "finished" else worker.end()
        ending = {"how": how, "code": code, "seconds": round(seconds, 4)}
        ending["output"] = worker.output.decode("utf-8", "replace")
        self._pipes.send(encode(Kind.ENDED, worker.channel, ending))

    def _let_rest(self, worker: Worker) -> int:
        """Nobody listens to a child that has sent its result, or waits for its end, which takes gVisor's `ptrace` platform 9 ms. It is
        ended when its own time is over, or with the sandbox."""
        self._resting.append(worker)
        return 0

    def _end_resting(self) -> None:
        while self._resting:
            self._resting.pop().end()

    def _drain(self, worker: Worker) -> None:
        try:
            before = -1
            while before != len(worker.output):
                before = len(worker.output)
                worker.read_output()
        except Misbehaved:
            pass
