"""The messages with which an agent gets the variables of a deployment: it asks when it is about to read the recipe.

`AskVariables` is a plain NATS request on `subjects.variables` and is stored nowhere, as `wire.credentials` describes. No
desired state, bucket or log holds a value.
"""

from pydantic import ConfigDict, Field

from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.envelope import Message, Part

# An agent waits this long for an answer before it asks again; older requests are not answered.
ANSWER_SECONDS = 10.0


class AskVariables(Message):
    """Request the variables of a deployment that the asking agent has. The same values each time."""

    environment: str
    deployment: str


class Values(Part):
    """Variables by name, and which of them are secrets. Travels only as JSON inside `SealedVariables.sealed`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    values: dict[str, str] = Field(default_factory=dict, repr=False)
    secret: list[str] = Field(default_factory=list)
    builds: list[str] = Field(default_factory=list)  # those that a build may be given as a secret

    @property
    def secrets(self) -> dict[str, str]:
        """Those that logs must not show."""
        return {name: self.values[name] for name in self.secret if name in self.values}


class SealedVariables(Message):
    """`sealed` is an X25519 sealed box of `Values`, in base64. Only the asking agent's key opens it."""

    sealed: str


class VariablesRefused(Message):
    """None are given. Asking again may help after `retry_after_seconds`; None: asking again cannot help."""

    code: CredentialRefusal
    message: str
    retry_after_seconds: float | None = None
