"""Turns what goes wrong over HTTP into the one error that callers of a forge handle."""

import httpx

from seatrial.control.forges.errors import CredentialRefused, ForgeError
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.retry_after import retry_after_seconds

# Statuses that may pass: because time passes, or because somebody fixes the credential.
MAY_PASS = frozenset({403, 408, 409, 423, 425, 429})

# Nothing was sent.
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class NoSuchThing(ForgeError):
    """404 or 410: it does not exist, or the credential may not see it."""

    permanent = True


def problem(response: httpx.Response, clock: ForgeClock) -> ForgeError:
    """The error of an answer that is not a success. The answer's body is not quoted: a stranger may have written it."""
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return CredentialRefused(response.url.host, response.url.path)
    return ForgeError(
        f"{response.url.host} answers {status} {response.reason_phrase} for {response.url.path}",
        permanent=status < 500 and status not in MAY_PASS,
        retry_after_seconds=retry_after_seconds(response.headers, clock),
        heard=status >= 500 and status != httpx.codes.SERVICE_UNAVAILABLE,
    )


def no_answer(host: str, error: Exception) -> ForgeError:
    """The error of a request that got no answer."""
    return ForgeError(f"{host} does not answer: {error}", heard=not isinstance(error, NOT_REACHED))


def no_webhook(repository: str, url: str) -> ForgeError:
    """The error of a test for which there is no webhook. `repository` is its path in the API."""
    return ForgeError(
        f"{repository.removeprefix('/repos/')} has no webhook that goes to {url}. Seatrial looks for it every hour; where its "
        "credential may not make one, make it by hand",
        permanent=True,
    )
