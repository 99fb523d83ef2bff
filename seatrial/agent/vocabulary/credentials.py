"""What fetches a source: asked for when it is needed, kept nowhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from seatrial.wire.credentials import Login
from seatrial.wire.envelope import now


@dataclass(frozen=True, kw_only=True)
class OpenedCredential:
    """Opened, in memory, for one fetch. `expires_at` is by the forge's clock, which may not be ours."""

    login: Login
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether its time is over, as far as our clock can tell."""
        return now() >= self.expires_at


class Credentials(Protocol):
    """Bound to the environment or the evaluation that a fetch is for."""

    async def __call__(self, repository: str) -> OpenedCredential:
        """A fresh one for this repository. May take a minute; raises CheckoutError, which says why there is none."""


class CredentialSource(Protocol):
    """Who can ask for them."""

    def for_environment(self, environment: str) -> Credentials:
        """To fetch what a deployment of the environment is made of."""

    def for_evaluation(self, evaluation: str) -> Credentials:
        """To fetch what is evaluated."""
