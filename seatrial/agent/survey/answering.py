"""Answers what the control plane asks this agent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.listening import listen
from seatrial.wire import subjects
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

MOST_WAITING = 4  # questions; each takes seconds
Question = TypeVar("Question", bound=Message)


@dataclass(frozen=True)
class Asked(Generic[Question]):
    """What is asked on which subject, and what answers it, with one message or several. After `seconds`, nobody listens any more."""

    what: str  # this host, a screenshot
    subject: str
    question: type[Question]
    answer: Callable[[Question], Awaitable[Sequence[Message]]]
    seconds: float


class Answering(Generic[Question]):
    """Answers each question at most once, one after another, and not when nobody listens any more.

    What is no question, what comes while MOST_WAITING wait, and what names a reply subject that is not below this agent's own is
    dropped with a line in the log. A question that is asked while the connection is away is lost.
    """

    def __init__(self, bus: Bus, asked: Asked[Question]) -> None:
        self._bus = bus
        self._asked = asked
        self._one_at_a_time = asyncio.Semaphore()
        self._waiting = 0

    async def run(self) -> None:
        """Runs for ever."""
        await listen(self._bus, self._asked.subject, self._begin)

    def _begin(self, group: asyncio.TaskGroup, _client: Client, message: Msg) -> None:
        if self._waiting >= MOST_WAITING:
            log.warning("too many questions; one is not answered", about=self._asked.what)
            return
        self._waiting += 1
        group.create_task(self._one(message)).add_done_callback(self._answered)

    async def _one(self, message: Msg) -> None:
        try:
            async with asyncio.timeout(self._asked.seconds), self._one_at_a_time:
                await self._answer(message)
        except TimeoutError:
            log.warning("no answer in time", about=self._asked.what)
        except (nats.errors.Error, OSError, WireError) as error:
            log.warning(
                "question not answered", about=self._asked.what, problem=str(error) or type(error).__name__
            )

    def _answered(self, _task: asyncio.Task[None]) -> None:
        self._waiting -= 1

    async def _answer(self, message: Msg) -> None:
        if not message.reply.startswith(subjects.host_answers(self._bus.agent)):
            raise WireError(f"it wants its answer at {message.reply[:100]!r}")
        question = Envelope.decode(message.data).open()
        if not isinstance(question, self._asked.question):
            raise WireError(f"it is a {question.kind}")
        answers = await self._asked.answer(question)
        client = await self._bus.client()
        with heeded():
            for answer in answers:
                await client.publish(message.reply, Envelope.wrap(answer).encode())
