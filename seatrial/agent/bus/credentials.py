"""Requests source credentials from the control plane and unseals them."""

from collections.abc import Callable
from functools import partial

from pydantic import ValidationError

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.identity import SealedValueError
from seatrial.agent.bus.insisting import PATIENCE_SECONDS, Wanted, insist
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


class BusCredentials:
    """`CredentialSource` over one bus. `unseal` opens what is sealed to this agent's key.

    Asks for at most `patience_seconds`. Nothing is cached: every call asks.
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
        subject = subjects.credentials(self._bus.agent)
        wanted = Wanted(
            "credential", subject, SourceCredential, CredentialRefused, CheckoutError, ANSWER_SECONDS
        )
        return self._opened(
            await insist(self._bus, wanted, question, patience_seconds=self._patience_seconds)
        )

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
