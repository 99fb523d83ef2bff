"""Requests to providers: through the one guard, with the operator's authorities, never elsewhere by a redirect."""

import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.accounts.providers.problems import Problem, ProviderError
from seatrial.control.errors import ControlError

SECONDS = 10.0
MOST_PAGES = 20  # of 100 organisations each
# Words of RFC 6749 and of GitHub, from the endpoint that gives tokens, or in the address that people come back with.
SAID = {
    "invalid_client": Problem.CREDENTIALS,
    "unauthorized_client": Problem.CREDENTIALS,
    "incorrect_client_credentials": Problem.CREDENTIALS,
    "application_suspended": Problem.CREDENTIALS,
    "redirect_uri_mismatch": Problem.REDIRECT_URI,
    "invalid_grant": Problem.CODE,
    "bad_verification_code": Problem.CODE,
    "invalid_scope": Problem.SCOPE,
}


def token(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What the endpoint for tokens at `url` gives for `form`. Raises ProviderError."""
    answer = _sent(httpx.Request("POST", url, data=dict(form), headers={"Accept": "application/json"}))
    body = _object(answer, refused_too=True)
    if said := body.get("error"):
        raise ProviderError(SAID.get(str(said), Problem.PROVIDER_ERROR))
    if answer.status_code >= 400 or not isinstance(body.get("access_token"), str):
        raise ProviderError(Problem.PROVIDER_ERROR)
    return body


def one(url: str, bearer: str) -> dict[str, Any]:
    """The object at `url`. Raises ProviderError."""
    return _object(_asked(url, bearer))


def every(url: str, bearer: str) -> Iterator[dict[str, Any]]:
    """The objects of all pages of the list at `url`. A page that leads to another server ends in ProviderError."""
    host = httpx.URL(url).host
    for _ in range(MOST_PAGES):
        answer = _asked(url, bearer)
        rows = _json(answer)
        if not isinstance(rows, list):
            raise ProviderError(Problem.NOT_THE_PROVIDER)
        yield from (row for row in rows if isinstance(row, dict))
        further = answer.links.get("next", {}).get("url")
        if not further:
            return
        if httpx.URL(further).host != host:
            raise ProviderError(Problem.NOT_THE_PROVIDER)
        url = further


def _asked(url: str, bearer: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
    answer = _sent(httpx.Request("GET", url, headers=headers))
    if answer.status_code in {401, 403}:
        raise ProviderError(Problem.SCOPE)
    return answer


def _sent(request: httpx.Request) -> httpx.Response:
    """The answer. Redirects are not followed: they would carry the secret elsewhere."""
    try:
        with outbound.client(settings.CONFIGURATION, to=[str(request.url)], timeout=SECONDS) as client:
            return client.send(request)
    except ControlError as error:  # the guard's: they are errors of httpx as well
        raise ProviderError(Problem.FORBIDDEN_ADDRESS) from error
    except httpx.HTTPError as error:
        raise ProviderError(Problem.AUTHORITY if _untrusted(error) else Problem.UNREACHABLE) from error


def _untrusted(error: BaseException) -> bool:
    """Whether a certificate is the cause; httpx keeps the cause, under an error of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _object(answer: httpx.Response, *, refused_too: bool = False) -> dict[str, Any]:
    body = _json(answer, refused_too=refused_too)
    if not isinstance(body, dict):
        raise ProviderError(Problem.NOT_THE_PROVIDER)
    return body


def _json(answer: httpx.Response, *, refused_too: bool = False) -> Any:
    if answer.status_code >= 500:
        raise ProviderError(Problem.UNREACHABLE)
    if not (answer.is_success or (refused_too and answer.is_client_error)):
        raise ProviderError(Problem.NOT_THE_PROVIDER)
    try:
        return answer.json()
    except ValueError as error:
        raise ProviderError(Problem.NOT_THE_PROVIDER) from error
