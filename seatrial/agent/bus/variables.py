"""Requests the variables of a deployment from the control plane and unseals them."""

from collections.abc import Callable

from pydantic import ValidationError

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.identity import SealedValueError
from seatrial.agent.bus.insisting import PATIENCE_SECONDS, Wanted, insist
from seatrial.agent.vocabulary.errors import NoVariables
from seatrial.wire import subjects
from seatrial.wire.variables import ANSWER_SECONDS, AskVariables, SealedVariables, Values, VariablesRefused


class BusVariables:
    """`VariableSource` over one bus. `unseal` opens what is sealed to this agent's key. Nothing is cached."""

    def __init__(
        self, bus: Bus, unseal: Callable[[str], bytes], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._bus = bus
        self._unseal = unseal
        self._patience_seconds = patience_seconds

    async def __call__(self, environment: str, deployment: str) -> Values:
        """See VariableSource."""
        question = AskVariables(environment=environment, deployment=deployment)
        subject = subjects.variables(self._bus.agent)
        wanted = Wanted("variables", subject, SealedVariables, VariablesRefused, NoVariables, ANSWER_SECONDS)
        answer = await insist(self._bus, wanted, question, patience_seconds=self._patience_seconds)
        try:
            return Values.model_validate_json(self._unseal(answer.sealed))
        except (SealedValueError, ValidationError):
            # The cause is not logged: no part of the answer may reach a log line.
            raise NoVariables(
                "the variables that came cannot be opened with this agent's key. Register the agent anew: issue a new token "
                "and start it with that as GALLEY_AGENT_TOKEN"
            ) from None
