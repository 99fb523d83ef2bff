"""Requests a registry login from the control plane and unseals it."""

from collections.abc import Callable

from pydantic import ValidationError

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.identity import SealedValueError
from seatrial.agent.bus.insisting import PATIENCE_SECONDS, Wanted, insist
from seatrial.agent.vocabulary.errors import NoRegistryLogin
from seatrial.wire import subjects
from seatrial.wire.registries import (
    ANSWER_SECONDS,
    AskRegistryLogin,
    RegistryLogin,
    RegistryLoginRefused,
    SealedRegistryLogin,
)


class BusRegistryLogins:
    """`RegistryLoginSource` over one bus. `unseal` opens what is sealed to this agent's key. Nothing is cached."""

    def __init__(
        self, bus: Bus, unseal: Callable[[str], bytes], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._bus = bus
        self._unseal = unseal
        self._patience_seconds = patience_seconds

    async def __call__(self, environment: str, deployment: str, registry: str) -> RegistryLogin:
        """See RegistryLoginSource."""
        question = AskRegistryLogin(environment=environment, deployment=deployment, registry=registry)
        wanted = Wanted(
            "registry login",
            subjects.registries(self._bus.agent),
            SealedRegistryLogin,
            RegistryLoginRefused,
            NoRegistryLogin,
            ANSWER_SECONDS,
        )
        answer = await insist(self._bus, wanted, question, patience_seconds=self._patience_seconds)
        try:
            return RegistryLogin.model_validate_json(self._unseal(answer.sealed))
        except (SealedValueError, ValidationError):
            # The cause is not logged: no part of the answer may reach a log line.
            raise NoRegistryLogin(
                f"the login for {registry} that came cannot be opened with this agent's key. Register the agent anew: issue a "
                "new token and start it with that as GALLEY_AGENT_TOKEN"
            ) from None
