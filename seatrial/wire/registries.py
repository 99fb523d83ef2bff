"""The messages with which an agent gets a registry login: it asks when it is about to pull, for one registry.

`AskRegistryLogin` is a plain NATS request on `subjects.registries` and is stored nowhere, as `wire.credentials` describes. The
desired state says for which registries there are logins (`DesiredDeployment.registries`); no bucket, job or log holds one.
"""

from pydantic import ConfigDict, Field

from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.envelope import Message, Part

# An agent waits this long for an answer before it asks again; older requests are not answered.
ANSWER_SECONDS = 10.0


class AskRegistryLogin(Message):
    """Request the login for `registry`, for a deployment that the asking agent has."""

    environment: str
    deployment: str
    registry: str


class RegistryLogin(Part):
    """What is given to a registry. Travels only as JSON inside `SealedRegistryLogin.sealed`.

    `id` tells it from any other, also from its successor: an image that was pulled with a login is known by it.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    id: str
    registry: str
    username: str
    password: str = Field(repr=False)


class SealedRegistryLogin(Message):
    """`sealed` is an X25519 sealed box of a `RegistryLogin`, in base64. Only the asking agent's key opens it."""

    sealed: str


class RegistryLoginRefused(Message):
    """None is given. Asking again may help after `retry_after_seconds`; None: asking again cannot help."""

    code: CredentialRefusal
    message: str
    retry_after_seconds: float | None = None
