"""Source credentials: requested when needed, never stored."""

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
        """Whether it has expired, as far as our clock can tell."""
        return now() >= self.expires_at


class Credentials(Protocol):
    """Bound to the environment or the evaluation that a fetch is for."""

    async def __call__(self, repository: str) -> OpenedCredential:
        """A fresh credential for this repository. May take a minute; raises CheckoutError, which says why there is none."""


class CredentialSource(Protocol):
    """Provides credentials."""

    def for_environment(self, environment: str) -> Credentials:
        """Credentials to fetch the source of the environment's deployments."""

    def for_evaluation(self, evaluation: str) -> Credentials:
        """Credentials to fetch the source of an evaluation."""
