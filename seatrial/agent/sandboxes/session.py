"""Runs policies of one evaluation in one sandbox: hands them out, answers their questions, and abandons the sandbox if one
does not end."""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from seatrial.agent.sandboxes.budget import Budget, Exceeded
from seatrial.agent.sandboxes.channel import Sandbox, SandboxError, TooLarge
from seatrial.agent.sandboxes.facts.fact import FactFailed
from seatrial.agent.sandboxes.foresight import Ahead, Foreseen, answered_ahead, nothing, used
from seatrial.agent.sandboxes.frames import Frame, FrameError, Kind, body_of, read_json
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.questions import AnswersOf, Unanswerable
from seatrial.agent.vocabulary.errors import CheckoutError, NotVisited
from seatrial.wire.evaluations import MAX_LOG_LINES, PolicyToRun
from seatrial.wire.words import LogLevel

log = structlog.get_logger(__name__)

T = TypeVar("T")

MEMORY_TOGETHER_MB = 512  # of policies that run at the same time; the container has room for this and itself
MANY = 500  # parts of an answer
GRACE_SECONDS = 5.0  # after a policy's own deadline, in which the warden must end it


@dataclass
class RunningPolicy:
    """A policy that runs in a child."""

    index: int
    policy: PolicyToRun
    outcome: Outcome = field(default_factory=Outcome)
    ends: float = 0.0  # when the warden must have ended it, if the host answers at once
    budget: Budget = field(default_factory=Budget)
    busy: bool = False  # whether it does so now
    # A child asks its next question when it has read an answer, which may be before the sender of that answer knows. So one
    # question may wait here; a second one is a violation, because the warden passes on none before it has an answer.
    asked: asyncio.Queue[Frame] = field(default_factory=lambda: asyncio.Queue(1))
    answering: asyncio.Task[None] | None = None
    ahead: list[Ahead] = field(default_factory=list)  # what it was told before it asked

    @property
    def deadline(self) -> float:
        """When it must have ended: the time of the host is not its own."""
        return self.ends + (self.budget.most_seconds if self.busy else self.budget.seconds)


class Session:
    """One claimed sandbox. `run` fills `outcomes`; missing ones were lost with the sandbox."""

    def __init__(self, sandbox: Sandbox, answers: AnswersOf, foreseen: Foreseen = nothing) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.suspects: list[int] = []  # policies that were running when the sandbox was lost
        self._sandbox = sandbox
        self._answers = answers
        self._foreseen = foreseen
        self._running: dict[int, RunningPolicy] = {}
        self._bodies: dict[str, bytes] = {}  # of answers of many parts, by method
        self._answered: list[asyncio.Task[None]] = []  # of policies that have ended

    async def run(self, policies: Sequence[tuple[int, PolicyToRun]]) -> str | None:
        """Run (index, policy) pairs, at most one for each idle child. Returns why the sandbox was lost, or None.

        A sandbox is lost if it ends, violates the format, or holds a policy beyond its deadline: all its further output is
        ignored, and the caller destroys it.
        """
        waiting = deque(policies)
        try:
            while waiting or self._running:
                await self._start(waiting)
                frame = await self._next()
                if frame is not None:
                    await self._handle(frame)
        except (SandboxError, FrameError) as error:
            self.suspects = sorted(running.index for running in self._running.values())
            return str(error)
        finally:
            await self._stop_answering()
        return None

    async def _start(self, waiting: deque[tuple[int, PolicyToRun]]) -> None:
        while waiting and self._sandbox.idle and self._fits(waiting[0][1]):
            index, policy = waiting.popleft()
            channel = self._sandbox.idle.pop(0)
            running = RunningPolicy(index, policy)
            running.ends = time.monotonic() + policy.timeout_seconds + GRACE_SECONDS
            self._running[channel] = running
            running.answering = asyncio.create_task(self._attend(channel, running))
            if not self._foreseen(index):
                await self._sandbox.send(Kind.RUN, channel, job_of(policy, []))

    def _fits(self, policy: PolicyToRun) -> bool:
        used = sum(running.policy.memory_mb for running in self._running.values())
        return not self._running or used + policy.memory_mb <= MEMORY_TOGETHER_MB

    async def _next(self) -> Frame | None:
        deadline = min(running.deadline for running in self._running.values())
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await self._sandbox.receive()
        except TimeoutError:
            late = [r for r in self._running.values() if r.deadline <= time.monotonic()]
            if not late:
                return None  # the host took time meanwhile
            for running in late:
                if running.outcome.how is not Ending.STOPPED:
                    running.outcome.how = Ending.TIMED_OUT
                self.outcomes[running.index] = running.outcome
            self._running = {c: r for c, r in self._running.items() if r not in late}
            raise SandboxError("the sandbox did not end a policy in time") from None

    async def _handle(self, frame: Frame) -> None:
        running = self._running.get(frame.channel)
        if running is None:
            raise FrameError(f"a frame for child {frame.channel}, which runs nothing")
        if frame.kind == Kind.ASK:
            self._put(frame, running)
        elif frame.kind == Kind.LOG:
            if len(running.outcome.logs) <= MAX_LOG_LINES:
                running.outcome.logs.append(line_of(frame))
        elif frame.kind == Kind.RESULT:
            running.outcome.said = said_of(frame)
        elif frame.kind == Kind.ENDED:
            self._end(frame, running)
        else:
            raise FrameError(f"a frame of kind {frame.kind}")

    def _put(self, frame: Frame, running: RunningPolicy) -> None:
        try:
            running.asked.put_nowait(frame)
        except asyncio.QueueFull:
            raise FrameError("a further question before the first was answered") from None

    async def _attend(self, channel: int, running: RunningPolicy) -> None:
        """Answer one question after another, until there is one that the host itself fails at: that ends the policy."""
        try:
            if questions := self._foreseen(running.index):
                await self._begin(channel, running, questions)
            while True:
                frame = await running.asked.get()
                running.budget.facts = running.budget.facts or asks_for_a_fact(frame)
                await self._reply(channel, running, await self._timed(running, self._answer(frame, running)))
        except Exceeded as error:
            running.outcome.stopped(str(error))
            await self._stop(channel)
        except CheckoutError as error:
            running.outcome.failed(f"the repository could not be read: {error}", again=not error.lasting)
            await self._stop(channel)
        except FactFailed as error:
            running.outcome.failed(str(error), again=error.again)
            await self._stop(channel)
        except NotVisited as error:
            running.outcome.failed(f"the preview could not be visited: {error}", again=error.again)
            await self._stop(channel)
        except TimeoutError:
            note = f"its questions took the host more than {running.budget.most_seconds:.0f} s. Ask for less: choose files, search on the host"
            running.outcome.stopped(note)
            await self._stop(channel)
        except SandboxError:
            pass  # the code that reads the sandbox's frames notices its end
        except Exception as error:
            log.exception("a policy's question could not be answered", policy=running.policy.slug)
            note = f"the agent could not answer a question: {type(error).__name__}: {error}"
            running.outcome.failed(note, again=True)
            await self._stop(channel)

    async def _begin(self, channel: int, running: RunningPolicy, questions: Sequence[str]) -> None:
        """Run it, with answers to what it will probably ask."""
        running.ahead = await self._timed(running, answered_ahead(questions, self._answers(running.index)))
        await self._sandbox.send(Kind.RUN, channel, job_of(running.policy, running.ahead))

    async def _reply(self, channel: int, running: RunningPolicy, answer: bytes) -> None:
        """Send it. The child waits meanwhile, and its time stands still, as the warden counts it; so it does here."""
        began = time.monotonic()
        try:
            await self._sandbox.send_body(Kind.ANSWER, channel, answer, running.budget.give)
        except TooLarge as error:
            why = f"the answer has {error}. Ask for less: choose files by glob, exclude or classes, or ask project.files"
            await self._sandbox.send(Kind.ANSWER, channel, {"error": why})
        finally:
            running.budget.seconds += time.monotonic() - began

    async def _timed(self, running: RunningPolicy, work: Coroutine[Any, Any, T]) -> T:
        """The host's work, in what is left of its time for this policy. Raises TimeoutError after that."""
        began, running.busy = time.monotonic(), True
        try:
            async with asyncio.timeout(running.budget.seconds_left):
                return await work
        finally:
            running.busy = False
            running.budget.seconds += time.monotonic() - began

    async def _answer(self, frame: Frame, running: RunningPolicy) -> bytes:
        """The body of the answer's frame. What the policy itself did wrong is an exception to it, which it may catch; nothing else is."""
        try:
            question = read_json(frame.body)
            running.budget.ask(question[0] if isinstance(question, list) and question else None)
            value, seen = await self._answers(running.index).answer(question)
        except (Unanswerable, FrameError) as error:
            return body_of({"error": str(error)})
        running.outcome.seen += seen
        running.outcome.answered(question[1], value)
        return self._body(question, value)

    def _body(self, question: Any, value: Any) -> bytes:
        """A question without arguments has the same answer for all siblings, and most ask for the listing: encoded once."""
        method, arguments = question
        if arguments or len(value if isinstance(value, list | dict) else ()) < MANY:
            return body_of({"value": value})
        if method not in self._bodies:
            self._bodies[method] = body_of({"value": value})
        return self._bodies[method]

    async def _stop(self, channel: int) -> None:
        """Have the warden end the child, which cannot prevent it, nor change its outcome by what it still sends."""
        with contextlib.suppress(SandboxError):
            await self._sandbox.send(Kind.STOP, channel, {})

    def _end(self, frame: Frame, running: RunningPolicy) -> None:
        ending = read_json(frame.body)
        outcome = running.outcome
        if outcome.how is not Ending.STOPPED:
            outcome.how = Ending.of(ending["how"])
        outcome.code = int(ending["code"])
        outcome.seconds, outcome.output = float(ending["seconds"]), str(ending["output"])
        for one in used(outcome.said, running.ahead):
            outcome.seen += one.seen
            outcome.answered(json.loads(one.asked)[1], one.value)
        self.outcomes[running.index] = outcome
        del self._running[frame.channel]
        if running.answering is not None:
            running.answering.cancel()
            self._answered.append(running.answering)

    async def _stop_answering(self) -> None:
        tasks = [*self._answered, *(r.answering for r in self._running.values() if r.answering)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def job_of(policy: PolicyToRun, ahead: Sequence[Ahead]) -> dict[str, Any]:
    """The job for the child."""
    return {
        "slug": policy.slug,
        "code": policy.code,
        "params": policy.params,
        "timeout_seconds": policy.timeout_seconds,
        "memory_mb": policy.memory_mb,
        "ahead": {one.asked: one.value for one in ahead},
    }


def asks_for_a_fact(frame: Frame) -> bool:
    """Whether a tool has to run for the answer, perhaps."""
    try:
        question = read_json(frame.body)
    except FrameError:
        return False
    return isinstance(question, list) and question[:1] == ["fact"]


def line_of(frame: Frame) -> tuple[str, str]:
    """The level and text of a log line. Anything else that a child sent in its place is shown as a warning."""
    try:
        level, message = read_json(frame.body)
        return str(level), str(message)
    except (FrameError, TypeError, ValueError):
        return LogLevel.WARNING, "a log line that cannot be read"


def said_of(frame: Frame) -> Any:
    """The value of a RESULT frame; None if it is not JSON, which is then judged as a result of the wrong shape."""
    try:
        return read_json(frame.body)
    except FrameError:
        return None
