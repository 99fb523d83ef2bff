"""The endpoint of a forge that gives tokens, and the one that takes them back.

Requests pass the one guard, follow no redirect, and are not repeated: a code and a refresh token are good for one request.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import httpx
import pydantic
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from seatrial.control import outbound
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.problems import no_answer, problem
from seatrial.control.forges.oauth.host import OAuthHost

SECONDS = 10.0


class Said(StrEnum):
    """Words of RFC 6749 by which a forge refuses."""

    ACCESS_DENIED = "access_denied"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"  # Gitea: whatever does not fit, also a secret or a used token


class Refused(ForgeError):
    """The forge answered, and gives no token. `said` is its word for it, if that is a known one."""

    def __init__(self, message: str, said: Said | None) -> None:
        super().__init__(message)
        self.said = said


class Tokens(BaseModel):
    """What a forge gives. Neither its repr nor an error shows it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    access_token: str = Field(repr=False, min_length=1)
    refresh_token: str | None = Field(None, repr=False)
    expires_in: float | None = Field(None, gt=0, le=10**9)
    scope: str | None = None


def tokens(host: OAuthHost, base_url: str, form: Mapping[str, str]) -> Tokens:
    """What the forge gives for `form`. Raises Refused, and ForgeError when nobody knows whether it gave any."""
    response = _posted(f"{host.root(base_url)}{host.token_path}", form)
    content = _content(response)
    word = content.get("error")
    if response.is_client_error and isinstance(word, str):
        raise _refused(host, response, word)
    if not response.is_success:
        raise problem(response, ForgeClock())
    try:
        return Tokens.model_validate(content)
    except pydantic.ValidationError:
        raise ForgeError(
            f"{response.url.host} gives no token at {response.url.path}: that is no {host.title}"
        ) from None


def revoke(host: OAuthHost, base_url: str, form: Mapping[str, str]) -> None:
    """Have the forge forget a token. One that it does not know is no error. Raises ForgeError."""
    response = _posted(f"{host.root(base_url)}{host.revoke_path}", form)
    if not response.is_success:
        raise problem(response, ForgeClock())


def said(word: str) -> Said | None:
    """The word, if it is a known one."""
    return Said(word) if word in set(Said) else None


def _posted(url: str, form: Mapping[str, str]) -> httpx.Response:
    headers = {"Accept": "application/json", "User-Agent": "Seatrial"}
    try:
        with outbound.client(settings.CONFIGURATION, to=[url], timeout=SECONDS) as client:
            return client.post(url, data=dict(form), headers=headers, follow_redirects=False)
    except httpx.HTTPError as error:
        raise no_answer(httpx.URL(url).host, error) from error


def _content(response: httpx.Response) -> dict[str, Any]:
    """The object in an answer, whatever its status; empty where there is none."""
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refused(host: OAuthHost, response: httpx.Response, word: str) -> Refused:
    known = said(word)
    shown = known.value if known is not None else "a word that is not known here"
    return Refused(f"{host.title} at {response.url.host} gives no token: {shown}", known)
