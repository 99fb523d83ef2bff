"""The messages with which an agent gets a source credential: it asks when it is about to fetch, and the credential soon expires.

`AskCredential` is a plain NATS request on `subjects.credentials` and is stored nowhere. The answer goes to the inbox of
the agent that asked. The subject identifies that agent; the message does not. No job, desired state or bucket holds a
credential.
"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from seatrial.wire.envelope import Message, Part

# An agent waits this long for an answer before it asks again; older requests are not answered.
ANSWER_SECONDS = 20.0


class AskCredential(Message):
    """Request a credential for `repository`, for one environment, evaluation or trial that the asking agent has."""

    repository: str
    environment: str = ""
    evaluation: str = ""
    trial: str = ""

    @model_validator(mode="after")
    def _for_one_thing(self) -> Self:
        if sum(map(bool, (self.environment, self.evaluation, self.trial))) != 1:
            raise ValueError("a credential is for an environment, for an evaluation or for a trial")
        return self


class Login(Part):
    """The user name and password that git is given. Travels only as JSON inside `SourceCredential.sealed`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    username: str
    password: str = Field(repr=False)


class SourceCredential(Message):
    """A `Login` for exactly the requested repository, valid until the forge's clock shows `expires_at`.

    `sealed` is an X25519 sealed box in base64. Only the asking agent's key opens it.
    """

    sealed: str
    expires_at: datetime


class CredentialRefusal(StrEnum):
    """Why an agent gets no credential."""

    UNKNOWN_AGENT = "unknown_agent"  # the agent is not registered, or was revoked
    UNFIT_KEY = "unfit_key"  # nothing can be sealed to the key that the agent registered
    NOT_YOURS = "not_yours"  # the agent has no such environment or evaluation, or it is of another repository
    NO_CREDENTIAL = "no_credential"  # the forge says that the repository needs no credential
    FORGE_ERROR = "forge_error"  # the forge refuses, or does not answer
    UNAVAILABLE = (
        "unavailable"  # the control plane cannot answer now, for example because its database is down
    )


class CredentialRefused(Message):
    """No credential is given. Asking again may help after `retry_after_seconds`; None: asking again cannot help."""

    code: CredentialRefusal
    message: str
    retry_after_seconds: float | None = None
