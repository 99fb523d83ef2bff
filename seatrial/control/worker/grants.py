"""Decides whether an agent gets a credential to fetch a repository, and makes it."""

from dataclasses import dataclass

from seatrial.control.errors import ControlError
from seatrial.control.fleet.errors import UnfitKey
from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.sealing import sealed
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import FetchCredential
from seatrial.control.policies import fetching as evaluations
from seatrial.control.policies.trials import fetching as trials
from seatrial.control.previews import fetching as previews
from seatrial.control.projects.models import Project
from seatrial.wire.credentials import (
    AskCredential,
    CredentialRefusal,
    CredentialRefused,
    Login,
    SourceCredential,
)
from seatrial.wire.states import AgentState

FORGE_AGAIN_SECONDS = 5.0  # so that agents do not make us ask a forge that refuses us more often
HEARD_OF_SOON_SECONDS = 0.1  # an agent reports that it took an evaluation or a trial just before it asks


class NotGranted(ControlError):
    """An agent gets no credential. `retry_after_seconds`: when asking again may help; None: never."""

    code: str = "not_granted"
    status = 403

    def __init__(
        self, code: CredentialRefusal, message: str, *, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_seconds = retry_after_seconds

    def message(self) -> CredentialRefused:
        """The message that tells the agent."""
        return CredentialRefused(
            code=CredentialRefusal(self.code), message=str(self), retry_after_seconds=self.retry_after_seconds
        )


@dataclass(frozen=True)
class Claim:
    """What an agent is entitled to at this moment."""

    agent: Agent
    project: Project


def claim(agent_id: str, question: AskCredential) -> Claim:
    """What the agent is entitled to now, according to the database. Raises NotGranted."""
    agent = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED).first()
    if agent is None:
        raise NotGranted(
            CredentialRefusal.UNKNOWN_AGENT,
            "This agent was revoked, or was never registered. Register it anew.",
        )
    if question.environment:
        project = previews.may_fetch(agent.pk, question.environment)
    elif question.trial:
        project = trials.may_fetch(agent.pk, question.trial)
    else:
        project = evaluations.may_fetch(agent.pk, question.evaluation)
    if project is None or project.pk != question.repository:
        raise _not_yours(agent, question, elsewhere=project is not None)
    return Claim(agent, project)


def take(forges: Forges, project: Project) -> FetchCredential:
    """Get a credential from the project's forge. May take long, so no transaction is open. Raises NotGranted."""
    try:
        credential = forges.of(project.connection).fetch_credential(project)
    except ForgeError as error:
        wait = None if error.permanent else max(error.retry_after_seconds, FORGE_AGAIN_SECONDS)
        raise NotGranted(CredentialRefusal.FORGE_ERROR, str(error), retry_after_seconds=wait) from error
    if credential is None:
        raise NotGranted(
            CredentialRefusal.NO_CREDENTIAL,
            f"The forge has no credential for {project.name}: it says that the repository needs none.",
        )
    return credential


def grant(claim: Claim, credential: FetchCredential) -> SourceCredential:
    """The credential, sealed so that only the claim's agent can open it. Raises NotGranted."""
    login = Login(username=credential.username, password=credential.password)
    try:
        box = sealed(claim.agent, login.model_dump_json())
    except UnfitKey as error:
        raise NotGranted(CredentialRefusal.UNFIT_KEY, str(error)) from error
    return SourceCredential(sealed=box, expires_at=credential.expires_at)


def _about(question: AskCredential) -> dict[str, str]:
    return {
        name: value
        for name, value in question.model_dump(include={"environment", "evaluation", "trial"}).items()
        if value
    }


def _not_yours(agent: Agent, question: AskCredential, *, elsewhere: bool) -> NotGranted:
    what = next(f"{name} {value}" for name, value in _about(question).items())
    if elsewhere:
        return NotGranted(CredentialRefusal.NOT_YOURS, f"{what} is not of repository {question.repository}.")
    soon = evaluations.may_be_taken(question.evaluation) or trials.may_be_taken(question.trial)
    return NotGranted(
        CredentialRefusal.NOT_YOURS,
        f"Agent {agent.name} does not have {what}. It may have been stopped, superseded, or given to another agent.",
        retry_after_seconds=HEARD_OF_SOON_SECONDS if soon else None,
    )
