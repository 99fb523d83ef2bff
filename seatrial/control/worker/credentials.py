"""Gives agents that ask for it a credential to fetch a repository. It is not stored, neither here nor on the bus."""

import asyncio

import nats.errors
import structlog
from nats.aio.msg import Msg

from seatrial.control.bus import Bus
from seatrial.control.forges.connected import Forges
from seatrial.control.worker import grants
from seatrial.control.worker.database import Database
from seatrial.control.worker.grants import NotGranted
from seatrial.control.worker.observed import storable
from seatrial.control.worker.supervision import database_away, expected
from seatrial.wire import subjects
from seatrial.wire.credentials import (
    ANSWER_SECONDS,
    AskCredential,
    CredentialRefusal,
    CredentialRefused,
    SourceCredential,
)
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)

QUEUE = "credentials"  # if there are several workers, one of them gets each question
AT_ONCE = 4  # how many questions may wait for forges
AGAIN_SECONDS = 1.0


class Credentials:
    """Answers each question at most once, and not after ANSWER_SECONDS, when nobody listens any more.

    Whether the agent may have the credential is checked before its forge is asked, and again before the answer is sent.
    The forge is asked in the threads of `asking`, outside of any transaction. When the worker stops, questions in
    progress are dropped, and the agents ask again. An answer is only sent to the asking agent's own inbox: the control
    plane may publish anywhere, so a question must not choose where to.
    """

    def __init__(self, database: Database, asking: Database, bus: Bus, forges: Forges) -> None:
        self._database = database
        self._asking = asking
        self._bus = bus
        self._forges = forges
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Runs for ever."""
        subscription = await self._bus.client.subscribe(subjects.CREDENTIALS, queue=QUEUE)
        try:
            async with asyncio.TaskGroup() as group:
                async for message in subscription.messages:
                    group.create_task(self._one(message))
        finally:
            await subscription.unsubscribe()

    async def _one(self, message: Msg) -> None:
        agent = subjects.agent_of(message.subject)
        if not message.reply.startswith(f"{subjects.inbox_prefix(agent)}."):
            log.warning("credential asked for with another's reply subject; not answered", agent=agent)
            return
        try:
            question = _question(message.data)
        except WireError as error:
            log.warning("question skipped", subject=message.subject, error=str(error))
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._slots:
                answer = await self._answer(agent, question)
                await self._bus.client.publish(message.reply, Envelope.wrap(answer).encode())
        except (TimeoutError, nats.errors.Error) as error:
            log.warning(
                "no credential in time; the agent asks again",
                agent=agent,
                error=str(error) or type(error).__name__,
                **_about(question),
            )

    async def _answer(self, agent: str, question: AskCredential) -> SourceCredential | CredentialRefused:
        try:
            return await self._granted(agent, question)
        except NotGranted as refused:
            say = log.warning if refused.retry_after_seconds is None else log.info
            say("credential refused", agent=agent, code=refused.code, error=str(refused), **_about(question))
            return refused.message()
        except Exception as error:
            log.error("credential not given", agent=agent, **_about(question), exc_info=not expected(error))
            why = "its database does not answer" if database_away(error) else "see the log of its worker"
            return CredentialRefused(
                code=CredentialRefusal.UNAVAILABLE,
                message=f"The control plane cannot give a credential now: {why}.",
                retry_after_seconds=AGAIN_SECONDS,
            )

    async def _granted(self, agent: str, question: AskCredential) -> SourceCredential:
        claim = await self._database.run(grants.claim, agent, question)
        credential = await self._asking.run(grants.take, self._forges, claim.project)
        # The agent may have been revoked meanwhile
        claim = await self._database.run(grants.claim, agent, question)
        granted = grants.grant(claim, credential)
        log.info(
            "credential given",
            agent=agent,
            project=claim.project.slug,
            expires_at=granted.expires_at.isoformat(),
            **_about(question),
        )
        return granted


def _question(data: bytes) -> AskCredential:
    """The question in a message. Raises WireError."""
    envelope = Envelope.decode(data)
    message = envelope.model_copy(update={"payload": storable(envelope.payload)}).open()
    if not isinstance(message, AskCredential):
        raise WireError(f"message {envelope.id} is a {message.kind}, not a question")
    return message


def _about(question: AskCredential) -> dict[str, str]:
    return {name: value for name, value in question.model_dump().items() if value}
