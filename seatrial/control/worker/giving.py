"""Gives agents what they ask for one deployment, sealed. Nothing of it is stored or logged here."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import structlog

from seatrial.control.bus import Bus
from seatrial.control.errors import ControlError
from seatrial.control.fleet.errors import UnfitKey
from seatrial.control.fleet.models import Agent
from seatrial.control.previews.fetching import deployment_on
from seatrial.control.previews.models import Deployment
from seatrial.control.vault.errors import VaultError
from seatrial.control.worker.answering import Answering, Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away, expected
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.envelope import Message
from seatrial.wire.states import AgentState

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
Question = TypeVar("Question", bound=Message)


class NotGiven(ControlError):
    """The agent gets nothing. `refusal` says why, in a word."""

    code = "not_given"

    def __init__(self, refusal: CredentialRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class Refusal(Protocol):
    """Makes the message that refuses."""

    def __call__(
        self, *, code: CredentialRefusal, message: str, retry_after_seconds: float | None = None
    ) -> Message:
        """The message."""


class Giving(Generic[Question]):
    """Answers the questions of one subject by `give`, which is given the agent's id and the question, and may raise NotGiven.

    Only the agent that has a deployment is given anything of it, and only while it is live or a confirmed candidate: `give` makes
    sure by `deployed`.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        subject: Subject[Question],
        give: Callable[[str, Question], Message],
        refusal: Refusal,
    ) -> None:
        self._database = database
        self._give = give
        self._refusal = refusal
        self._what = subject.what
        self._answering = Answering(bus, subject, self._answer, lambda question: question.model_dump())

    async def run(self) -> None:
        """Runs for ever."""
        await self._answering.run()

    async def _answer(self, agent: str, question: Question) -> Message:
        told = question.model_dump()
        try:
            return await self._database.run(self._given, agent, question)
        except NotGiven as refused:
            log.warning("not given", what=self._what, agent=agent, code=refused.refusal, **told)
            return self._refusal(code=refused.refusal, message=str(refused))
        except Exception as error:
            log.error("not given", what=self._what, agent=agent, exc_info=not expected(error), **told)
            why = "its database does not answer" if database_away(error) else "see the log of its worker"
            return self._refusal(
                code=CredentialRefusal.UNAVAILABLE,
                message=f"The control plane cannot answer now: {why}.",
                retry_after_seconds=AGAIN_SECONDS,
            )

    def _given(self, agent: str, question: Question) -> Message:
        try:
            return self._give(agent, question)
        except (UnfitKey, VaultError) as error:
            raise NotGiven(CredentialRefusal.UNFIT_KEY, str(error)) from error


def deployed(agent_id: str, question: Any) -> tuple[Agent, Deployment]:
    """The agent that asks, and the deployment that it asks for and has. Raises NotGiven."""
    agent = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED).first()
    if agent is None:
        raise NotGiven(
            CredentialRefusal.UNKNOWN_AGENT,
            "This agent was revoked, or was never registered. Register it anew.",
        )
    deployment = deployment_on(agent.pk, question.environment, question.deployment)
    if deployment is None:
        raise NotGiven(
            CredentialRefusal.NOT_YOURS,
            f"Agent {agent.name} does not have deployment {question.deployment}. It may have been stopped, superseded, or given to another agent.",
        )
    return agent, deployment
