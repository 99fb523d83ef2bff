"""Sources of credentials for agents in tests."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from seatrial.agent.vocabulary.credentials import Credentials, OpenedCredential
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.credentials import Login
from seatrial.wire.envelope import now


class NoCredentials:
    """A source without any credential; it notes every request."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def for_environment(self, environment: str) -> Credentials:
        return partial(self._refuse, f"environment {environment}")

    def for_evaluation(self, evaluation: str) -> Credentials:
        return partial(self._refuse, f"evaluation {evaluation}")

    def for_trial(self, trial: str) -> Credentials:
        return partial(self._refuse, f"trial {trial}")

    async def _refuse(self, what: str, repository: str) -> OpenedCredential:
        self.asked.append(f"{repository} for {what}")
        raise CheckoutError("no credential: nobody gets one here")


class Given:
    """`Credentials` that hand out the passwords that `make` makes, and remember how often they were asked."""

    def __init__(
        self, make: Callable[[], str], *, username: str = "toy", valid_seconds: float = 3600
    ) -> None:
        self.make = make
        self.username = username
        self.valid_seconds = valid_seconds
        self.asked: list[str] = []

    async def __call__(self, repository: str) -> OpenedCredential:
        self.asked.append(repository)
        return OpenedCredential(
            login=Login(username=self.username, password=self.make()),
            expires_at=now() + timedelta(seconds=self.valid_seconds),
        )
