"""Requests source credentials from the control plane and unseals them."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import nats.errors
import structlog
from pydantic import ValidationError

from seatrial.agent.bus.asking import ended
from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.identity import SealedValueError
from seatrial.agent.vocabulary.credentials import Credentials, OpenedCredential
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire import subjects
from seatrial.wire.credentials import (
    ANSWER_SECONDS,
    AskCredential,
    CredentialRefused,
    Login,
    SourceCredential,
)
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 60.0  # a restarted worker is back long before that
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
START_IT = "Look at its log and at `seatrial status`, then rebuild or evaluate again"


class BusCredentials:
    """`CredentialSource` over one bus. `unseal` opens what is sealed to this agent's key.

    Asks again, with back-off, for at most `patience_seconds`, while there is no answer or the refusal says that asking
    again may help. Nothing is cached: every call asks. Cancelling stops asking; a late answer is dropped.
    """

    def __init__(
        self, bus: Bus, unseal: Callable[[str], bytes], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._bus = bus
        self._unseal = unseal
        self._patience_seconds = patience_seconds

    def for_environment(self, environment: str) -> Credentials:
        """See CredentialSource."""
        return partial(self._ask, environment=environment)

    def for_evaluation(self, evaluation: str) -> Credentials:
        """See CredentialSource."""
        return partial(self._ask, evaluation=evaluation)

    def for_trial(self, trial: str) -> Credentials:
        """See CredentialSource."""
        return partial(self._ask, trial=trial)

    async def _ask(
        self, repository: str, *, environment: str = "", evaluation: str = "", trial: str = ""
    ) -> OpenedCredential:
        question = AskCredential(
            repository=repository, environment=environment, evaluation=evaluation, trial=trial
        )
        attempt = _Attempt(question, asyncio.get_running_loop().time() + self._patience_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(attempt.deadline):
                while True:
                    answer = await self._answer(attempt)
                    if isinstance(answer, SourceCredential):
                        return self._opened(answer)
                    await attempt.pause(answer)
        raise CheckoutError(f"no credential came within {self._patience_seconds:g} s: {attempt.problem}")

    async def _answer(self, attempt: "_Attempt") -> SourceCredential | CredentialRefused | None:
        """The answer; None if none came or if it cannot be read."""
        client = await self._bus.client()
        data = Envelope.wrap(attempt.question).encode()
        subject = subjects.credentials(self._bus.agent)
        try:
            reply = await ended(asyncio.create_task(client.request(subject, data, timeout=ANSWER_SECONDS)))
            message = Envelope.decode(reply.data).open()
        except nats.errors.NoRespondersError:
            attempt.failed(f"no worker of the control plane listens. {START_IT}")
        except (nats.errors.Error, OSError) as error:
            attempt.failed(f"the control plane's worker did not answer ({type(error).__name__}). {START_IT}")
        except WireError as error:
            attempt.failed(f"the answer cannot be read: {error}")
        else:
            if isinstance(message, SourceCredential | CredentialRefused):
                return message
            attempt.failed(f"the answer is a {message.kind}")
        return None

    def _opened(self, answer: SourceCredential) -> OpenedCredential:
        try:
            login = Login.model_validate_json(self._unseal(answer.sealed))
        except (SealedValueError, ValidationError):
            # The cause is not logged: no part of the answer may reach a log line.
            raise CheckoutError(
                "the credential that came cannot be opened with this agent's key. Register the agent anew: issue a new "
                "token and start it with that as GALLEY_AGENT_TOKEN"
            ) from None
        return OpenedCredential(login=login, expires_at=answer.expires_at)


class _Attempt:
    """One request, until it is answered or its time is up."""

    def __init__(self, question: AskCredential, deadline: float) -> None:
        self.question = question
        self.deadline = deadline
        self.problem = f"the bus does not answer. {START_IT}"
        self._wait = FIRST_WAIT_SECONDS
        self._told = ""

    def failed(self, problem: str, *, expected: bool = False) -> None:
        """Note why there is no credential yet; the same reason is logged only once."""
        self.problem = problem
        if problem != self._told:
            self._told = problem
            say = log.info if expected else log.warning
            say("no credential yet; asking again", problem=problem, **self._about())

    async def pause(self, refused: CredentialRefused | None) -> None:
        """Sleep before the next request. Raises CheckoutError if another one within our time cannot help."""
        least = 0.0
        if refused is not None:
            least = refused.retry_after_seconds if refused.retry_after_seconds is not None else float("inf")
            if asyncio.get_running_loop().time() + least >= self.deadline:
                raise CheckoutError(f"no credential: {refused.message} ({refused.code})")
            self.failed(refused.message, expected=True)
        await asyncio.sleep(max(self._wait, least))
        self._wait = min(self._wait * 2, LONGEST_WAIT_SECONDS)

    def _about(self) -> dict[str, str]:
        return {name: value for name, value in self.question.model_dump().items() if value}
