"""Answers what agents ask over the bus: each question at most once, in time, and only in the asking agent's own inbox."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import nats.errors
import structlog
from nats.aio.msg import Msg

from seatrial.control.bus import Bus
from seatrial.control.worker.observed import storable
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

Question = TypeVar("Question", bound=Message)


@dataclass(frozen=True)
class Subject(Generic[Question]):
    """What is asked where. `seconds`: after them nobody listens for the answer any more."""

    what: str  # a credential, a visit
    subject: str
    queue: str  # if there are several workers, one of them gets each question
    question: type[Question]
    at_once: int
    seconds: float


class Answering(Generic[Question]):
    """Answers by `answer`, which is given the agent and its question and never raises; `about` is what logs say of a question.

    The control plane may publish anywhere, so a question must not choose where its answer goes. When the worker stops,
    questions in progress are dropped.
    """

    def __init__(
        self,
        bus: Bus,
        subject: Subject[Question],
        answer: Callable[[str, Question], Awaitable[Message]],
        about: Callable[[Question], Mapping[str, str]],
    ) -> None:
        self._bus = bus
        self._subject = subject
        self._answer = answer
        self._about = about
        self._slots = asyncio.Semaphore(subject.at_once)

    async def run(self) -> None:
        """Runs for ever."""
        subscription = await self._bus.client.subscribe(self._subject.subject, queue=self._subject.queue)
        try:
            async with asyncio.TaskGroup() as group:
                async for message in subscription.messages:
                    group.create_task(self._one(message))
        finally:
            await subscription.unsubscribe()

    async def _one(self, message: Msg) -> None:
        agent, what = subjects.agent_of(message.subject), self._subject.what
        if not message.reply.startswith(f"{subjects.inbox_prefix(agent)}."):
            log.warning(f"{what} asked for with another's reply subject; not answered", agent=agent)
            return
        try:
            question = self._question(message.data)
        except WireError as error:
            log.warning("question skipped", subject=message.subject, error=str(error))
            return
        try:
            async with asyncio.timeout(self._subject.seconds), self._slots:
                answer = await self._answer(agent, question)
                await self._bus.client.publish(message.reply, Envelope.wrap(answer).encode())
        except (TimeoutError, nats.errors.Error) as error:
            said = str(error) or type(error).__name__
            log.warning(f"no {what} in time", agent=agent, error=said, **self._about(question))

    def _question(self, data: bytes) -> Question:
        """The question in a message. Raises WireError."""
        envelope = Envelope.decode(data)
        message = envelope.model_copy(update={"payload": storable(envelope.payload)}).open()
        if not isinstance(message, self._subject.question):
            raise WireError(
                f"message {envelope.id} is a {message.kind}, and asks for no {self._subject.what}"
            )
        return message
