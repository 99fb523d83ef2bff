"""The credential of a GitHub App, as a connection stores it."""

from typing import Annotated

import pydantic
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, Field

from seatrial.control.forges.errors import ForgeError, UnfitConnection


class GitHubApp(BaseModel):
    """What it takes to sign in as an App. Neither its repr nor an error shows the key."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    app_id: Annotated[int, Field(gt=0)]
    slug: str
    private_key: str = Field(repr=False)

    def stored(self) -> str:
        """The form that `app_of` reads."""
        return self.model_dump_json()

    @property
    def login(self) -> str:
        """The account that writes for the App. No person can have a name with brackets."""
        return login_of(self.slug)


def login_of(slug: str) -> str:
    """The account that writes for the App of this name."""
    return f"{slug}[bot]"


def app_of(credential: str) -> GitHubApp | None:
    """The App whose credential this is; None: it is a token. Raises ForgeError for one that nobody can read."""
    if not credential.startswith("{"):
        return None
    try:
        return GitHubApp.model_validate_json(credential)
    except pydantic.ValidationError:
        raise ForgeError(
            "The stored credential of the GitHub App cannot be read. Connect it again."
        ) from None


def private_key(pasted: str) -> str:
    """`pasted`, if it is a private key of a GitHub App. Raises UnfitConnection, which does not repeat it."""
    text = "\n".join(line.strip() for line in pasted.strip().splitlines()) + "\n"
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnfitConnection(
            "That is no private key. Paste all of the .pem file that GitHub gave you, from -----BEGIN to the last line."
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise UnfitConnection("That is a private key of another kind: GitHub Apps have RSA keys.")
    return text
