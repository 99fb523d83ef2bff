"""Gives agents that ask for them the variables of a deployment, sealed. Nothing of them is stored or logged here."""

import structlog

from seatrial.control.bus import Bus
from seatrial.control.fleet.errors import UnfitKey
from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.sealing import sealed
from seatrial.control.previews.fetching import deployment_on
from seatrial.control.projects.variables import given, tier_of
from seatrial.control.vault.errors import VaultError
from seatrial.control.worker.answering import Answering, Subject
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away, expected
from seatrial.wire import subjects
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.states import AgentState
from seatrial.wire.variables import ANSWER_SECONDS, AskVariables, SealedVariables, Values, VariablesRefused

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0
VARIABLES = Subject(
    "answer about variables", subjects.VARIABLES, "variables", AskVariables, at_once=8, seconds=ANSWER_SECONDS
)


class Variables:
    """Only the agent that has a deployment is given its variables, and only while it is live or a confirmed candidate."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._answering = Answering(bus, VARIABLES, self._answer, lambda question: question.model_dump())

    async def run(self) -> None:
        """Runs for ever."""
        await self._answering.run()

    async def _answer(self, agent: str, question: AskVariables) -> SealedVariables | VariablesRefused:
        try:
            answer = await self._database.run(answered, agent, question)
        except Exception as error:
            log.error(
                "variables not given", agent=agent, exc_info=not expected(error), **question.model_dump()
            )
            why = "its database does not answer" if database_away(error) else "see the log of its worker"
            return VariablesRefused(
                code=CredentialRefusal.UNAVAILABLE,
                message=f"The control plane cannot give variables now: {why}.",
                retry_after_seconds=AGAIN_SECONDS,
            )
        if isinstance(answer, VariablesRefused):
            log.warning("variables refused", agent=agent, code=answer.code, **question.model_dump())
        return answer


def answered(agent_id: str, question: AskVariables) -> SealedVariables | VariablesRefused:
    """The variables that the deployment began with, sealed to the agent's key; or why it gets none."""
    agent = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED).first()
    if agent is None:
        return _refused(
            CredentialRefusal.UNKNOWN_AGENT,
            "This agent was revoked, or was never registered. Register it anew.",
        )
    deployment = deployment_on(agent.pk, question.environment, question.deployment)
    if deployment is None:
        return _refused(
            CredentialRefusal.NOT_YOURS,
            f"Agent {agent.name} does not have deployment {question.deployment}. It may have been stopped, superseded, or given to another agent.",
        )
    environment = deployment.environment
    rows = given(environment.project, tier_of(environment.pull_request), deployment.created_at)
    try:
        values = {name: row.value for name, row in rows.items()}
        secret = [name for name, row in rows.items() if row.secret]
        builds = [name for name, row in rows.items() if row.builds]
        whole = Values(values=values, secret=secret, builds=builds)
        return SealedVariables(sealed=sealed(agent, whole.model_dump_json()))
    except (UnfitKey, VaultError) as error:
        return _refused(CredentialRefusal.UNFIT_KEY, str(error))


def _refused(code: CredentialRefusal, message: str) -> VariablesRefused:
    return VariablesRefused(code=code, message=message)
