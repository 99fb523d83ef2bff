"""Source credentials: requested when needed, never stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from seatrial.wire.credentials import Login
from seatrial.wire.envelope import now


@dataclass(frozen=True, kw_only=True)
class OpenedCredential:
    """A source credential, opened in memory for one fetch. `expires_at` is by the forge's clock, which may differ from ours."""

    login: Login
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether the credential has expired by our clock."""
        return now() >= self.expires_at


class Credentials(Protocol):
    """A source of credentials that is bound to the environment, evaluation or trial that a fetch is for."""

    async def __call__(self, repository: str) -> OpenedCredential:
        """A fresh credential for this repository. May take a minute; raises CheckoutError, which says why there is none."""


class CredentialSource(Protocol):
    """Provides credentials."""

    def for_environment(self, environment: str) -> Credentials:
        """Credentials to fetch the source of the environment's deployments."""

    def for_evaluation(self, evaluation: str) -> Credentials:
        """Credentials to fetch the source of an evaluation."""

    def for_trial(self, trial: str) -> Credentials:
        """Credentials to fetch the source of a trial."""
