"""Asking the control plane until it answers, or for as long as whoever asks can wait."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import nats.errors
import structlog

from seatrial.agent.bus.asking import ended
from seatrial.agent.bus.connection import Bus
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 60.0  # a restarted worker is back long before that
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
START_IT = "Look at its log and at `seatrial status`, then rebuild or evaluate again"

Answer = TypeVar("Answer", bound=Message)


class Refused(Protocol):
    """A refusal as any question may be answered with."""

    @property
    def message(self) -> str:
        """Why, for people."""

    @property
    def code(self) -> str:
        """Why, in a word."""

    @property
    def retry_after_seconds(self) -> float | None:
        """When asking again may help; None: never."""


@dataclass(frozen=True)
class Wanted(Generic[Answer]):
    """What is asked for: its name, where, how its answer and its refusal look, and how failing is raised."""

    what: str
    subject: str
    answer: type[Answer]
    refusal: type[Message]
    failed: type[AgentError]
    seconds: float  # for one answer


async def insist(bus: Bus, wanted: Wanted[Answer], question: Message, *, patience_seconds: float) -> Answer:
    """The answer. Asks again, with back-off, while there is none or the refusal says that asking again may help.

    Raises `wanted.failed`, which says why there is none. Cancelling stops asking; a late answer is dropped.
    """
    attempt = _Attempt(bus, wanted, question, asyncio.get_running_loop().time() + patience_seconds)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(attempt.deadline):
            while True:
                answer = await attempt.ask()
                if isinstance(answer, wanted.answer):
                    return answer
                await attempt.pause(answer)  # type: ignore[arg-type]
    raise wanted.failed(f"no {wanted.what} came within {patience_seconds:g} s: {attempt.problem}")


class _Attempt(Generic[Answer]):
    """One request, until it is answered or its time is up."""

    def __init__(self, bus: Bus, wanted: Wanted[Answer], question: Message, deadline: float) -> None:
        self._bus = bus
        self._wanted = wanted
        self._question = question
        self.deadline = deadline
        self.problem = f"the bus does not answer. {START_IT}"
        self._wait = FIRST_WAIT_SECONDS
        self._told = ""

    async def ask(self) -> Message | None:
        """The answer or the refusal; None if neither came, or if it cannot be read."""
        client = await self._bus.client()
        data, seconds = Envelope.wrap(self._question).encode(), self._wanted.seconds
        try:
            reply = await ended(
                asyncio.create_task(client.request(self._wanted.subject, data, timeout=seconds))
            )
            message = Envelope.decode(reply.data).open()
        except nats.errors.NoRespondersError:
            self._failed(f"no worker of the control plane listens. {START_IT}")
        except (nats.errors.Error, OSError) as error:
            self._failed(f"the control plane's worker did not answer ({type(error).__name__}). {START_IT}")
        except WireError as error:
            self._failed(f"the answer cannot be read: {error}")
        else:
            if isinstance(message, self._wanted.answer | self._wanted.refusal):
                return message
            self._failed(f"the answer is a {message.kind}")
        return None

    async def pause(self, refused: Refused | None) -> None:
        """Sleep before the next request. Raises `wanted.failed` if another one within our time cannot help."""
        least = 0.0
        if refused is not None:
            least = refused.retry_after_seconds if refused.retry_after_seconds is not None else float("inf")
            if asyncio.get_running_loop().time() + least >= self.deadline:
                raise self._wanted.failed(f"no {self._wanted.what}: {refused.message} ({refused.code})")
            self._failed(refused.message, expected=True)
        await asyncio.sleep(max(self._wait, least))
        self._wait = min(self._wait * 2, LONGEST_WAIT_SECONDS)

    def _failed(self, problem: str, *, expected: bool = False) -> None:
        """Note why there is no answer yet; the same reason is logged only once."""
        self.problem = problem
        if problem != self._told:
            self._told = problem
            say = log.info if expected else log.warning
            about = {name: value for name, value in self._question.model_dump().items() if value}
            say(f"no {self._wanted.what} yet; asking again", problem=problem, **about)
