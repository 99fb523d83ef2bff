"""The credential of a connection by OAuth, as it is stored: an access token, and the refresh token for the next one."""

from datetime import datetime, timedelta

import pydantic
from django.conf import settings
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from seatrial.control.accounts.providers.configured import Provider, providers
from seatrial.control.forges.errors import ForgeError, UnfitConnection

BEFORE = timedelta(minutes=5)  # longer than a request takes; agents ask again when a token ends under them


class OAuthPair(BaseModel):
    """Neither its repr nor an error shows a secret. Without a client id it is of the application of sign-in."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    client_id: str
    client_secret: str = Field(repr=False)
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)  # empty: the forge gave none
    scopes: tuple[str, ...]
    obtained_at: AwareDatetime
    expires_at: AwareDatetime | None  # None: the forge did not say

    def stored(self) -> str:
        """The form that `pair_of` reads."""
        return self.model_dump_json()

    def lasts(self, now: datetime) -> bool:
        """Whether the access token is good for a while yet: for BEFORE, or a third of its time if that is less."""
        if self.expires_at is None:
            return True
        return self.expires_at - now > min(BEFORE, (self.expires_at - self.obtained_at) / 3)


def pair_of(credential: str) -> OAuthPair | None:
    """The pair that this credential is; None: it is a token. Raises ForgeError for one that nobody can read."""
    if not is_pair(credential):
        return None
    try:
        return OAuthPair.model_validate_json(credential)
    except pydantic.ValidationError:
        raise ForgeError("The stored authorization cannot be read. Authorize again.") from None


def is_pair(credential: str) -> bool:
    """Whether it has the form of a pair. No token begins like that."""
    return credential.startswith("{")


def of_sign_in(kind: str) -> Provider | None:
    """The application that people sign in here with, if the settings name one of this kind."""
    for one in providers(settings.CONFIGURATION):
        if one.kind == kind and not one.missing:
            return one
    return None


def application(kind: str, base_url: str, client_id: str, client_secret: str) -> tuple[str, str]:
    """Id and secret of the application; without an id, those of sign-in, for the address of sign-in and no other.

    Raises UnfitConnection: the secret of the settings must not go to an address that somebody entered.
    """
    if client_id:
        return client_id, client_secret
    known = of_sign_in(kind)
    if known is None or known.url.rstrip("/") != base_url.rstrip("/"):
        raise UnfitConnection(
            f"The settings name no application for sign-in at {base_url}. Authorize with an application of its own."
        )
    return known.client_id, known.client_secret
