"""Gives agents that ask for it a credential to fetch a repository. It is not stored, neither here nor on the bus."""

import structlog

from seatrial.control.bus import Bus
from seatrial.control.forges.connected import Forges
from seatrial.control.worker import grants
from seatrial.control.worker.answering import Answering, Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.grants import NotGranted
from seatrial.control.worker.supervision import database_away, expected
from seatrial.wire import subjects
from seatrial.wire.credentials import (
    ANSWER_SECONDS,
    AskCredential,
    CredentialRefusal,
    CredentialRefused,
    SourceCredential,
)

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
CREDENTIAL = Subject(
    "credential",
    subjects.CREDENTIALS,
    "credentials",
    AskCredential,
    at_once=4,  # that may wait for forges
    seconds=ANSWER_SECONDS,
)


class Credentials:
    """Whether the agent may have the credential is checked before its forge is asked, and again before the answer is sent.
    The forge is asked in the threads of `asking`, outside of any transaction. An agent that gets no answer asks again."""

    def __init__(self, database: Database, asking: Database, bus: Bus, forges: Forges) -> None:
        self._database = database
        self._asking = asking
        self._forges = forges
        self._answering = Answering(bus, CREDENTIAL, self._answer, _about)

    async def run(self) -> None:
        """Runs for ever."""
        await self._answering.run()

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


def _about(question: AskCredential) -> dict[str, str]:
    return {name: value for name, value in question.model_dump().items() if value}
