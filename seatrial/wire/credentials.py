"""How an agent comes by what fetches a repository: it asks when it is about to, and gets one that soon expires.

`AskCredential` is a request of NATS itself, stored nowhere, on `subjects.credentials`; the answer goes to the asking
agent's own inbox. Who asks is told by the subject, never by the message. What fetches lies in no job, no desired state
and no bucket.
"""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from seatrial.wire.envelope import Message, Part

# An agent waits so long for an answer before it asks again, and nobody answers an older question.
ANSWER_SECONDS = 20.0


class AskCredential(Message):
    """What fetches `repository`, please: for one environment or for one evaluation, that the asking agent has."""

    repository: str
    environment: str = ""
    evaluation: str = ""

    @model_validator(mode="after")
    def _for_one_thing(self) -> Self:
        if bool(self.environment) == bool(self.evaluation):
            raise ValueError("a credential is for an environment or for an evaluation")
        return self


class Login(Part):
    """What git is told when it asks; travels as JSON inside `SourceCredential.sealed` and in no other way."""

    model_config = ConfigDict(hide_input_in_errors=True)

    username: str
    password: str = Field(repr=False)


class SourceCredential(Message):
    """A `Login` for exactly the repository that was asked about, until the forge's clock shows `expires_at`.

    `sealed` is an X25519 sealed box in base64, which the asking agent's key alone opens.
    """

    sealed: str
    expires_at: datetime


class CredentialRefusal(StrEnum):
    """Why an agent gets no credential."""

    UNKNOWN_AGENT = "unknown_agent"  # nobody knows it, or it was revoked
    UNFIT_KEY = "unfit_key"  # nothing can be sealed to the key that it registered
    NOT_YOURS = "not_yours"  # it has no such environment or evaluation, or not of that repository
    NO_CREDENTIAL = "no_credential"  # the forge says that the repository needs none
    FORGE_ERROR = "forge_error"  # the forge refuses, or does not answer
    UNAVAILABLE = "unavailable"  # the control plane cannot look now


class CredentialRefused(Message):
    """No credential. `retry_after_seconds` is when asking again may help; None: it cannot."""

    code: CredentialRefusal
    message: str
    retry_after_seconds: float | None = None
