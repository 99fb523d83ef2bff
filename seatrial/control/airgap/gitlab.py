"""GITLAB_URL: whether a GitLab answers there, over TLS that is trusted."""

import json
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from seatrial.control.accounts.providers.configured import GITLAB
from seatrial.control.airgap import asking
from seatrial.control.airgap.asking import Answer
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.control.configuration import Configuration

UNAUTHORIZED = 401
# OpenSSL's codes: a certificate is not valid yet, or not any more.
OUT_OF_TIME = {9, 10}
PUBLIC = urlsplit(GITLAB).hostname


def address(configuration: Configuration) -> Iterator[Finding]:
    """Whether GITLAB_URL is set, and to what an air-gapped install needs."""
    url = configuration.gitlab_url
    parts = urlsplit(url)
    if not url:
        yield fail(
            "GITLAB_URL is not set in the container environment. Set it in .env to the root of your GitLab"
        )
    elif parts.scheme != "https":
        yield fail(f"GITLAB_URL='{url}' must begin with https://, not {parts.scheme}://")
    else:
        if parts.hostname == PUBLIC:
            yield warn(
                f"GITLAB_URL='{url}' is gitlab.com, which is outside: an air-gapped install has a GitLab of its own"
            )
        yield ok(f"GITLAB_URL={url}")


def probed(configuration: Configuration) -> tuple[Finding, Answer | None] | None:
    """What its API says to somebody without a token, and the answer if there was one; None if GITLAB_URL is not fit to be asked.

    A GitLab answers 401, with or without public projects.
    """
    url = configuration.gitlab_url
    if urlsplit(url).scheme != "https":
        return None
    target = f"{url}/api/v4/version"
    try:
        answer = asking.asked(configuration, target)
    except asking.FAILURES as error:
        return fail(_why(url, error)), None
    if shaped_like_gitlab(answer):
        return ok(f"{target} returned 401 in GitLab's own shape"), answer
    unlike = "(not 401)" if answer.status != UNAUTHORIZED else "but not as GitLab does"
    there = answer.headers.get("Location")
    return fail(
        f"{target} returned {answer.status} {unlike} (Content-Type: {answer.content_type}): that is no GitLab. Correct "
        "GITLAB_URL, or what answers in its place (a proxy, a captive portal)."
        + (f" It leads to {there}" if there else "")
    ), answer


def shaped_like_gitlab(answer: Answer) -> bool:
    """Whether this is how GitLab says that a token is needed, whatever else may have answered."""
    if answer.status != UNAUTHORIZED or "json" not in answer.content_type.lower():
        return False
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    text = str(body.get("message", "")).lower() if isinstance(body, dict) else ""
    return "unauthorized" in text or "401" in text


def _why(url: str, error: Exception) -> str:
    said = asking.said(error)
    refused = _by_tls(error)
    if refused is not None:
        return f"TLS handshake to {url} failed: {said}. {_trust(refused)}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return (
            f"could not connect to {url}: {said}. Check DNS (or add the host to /etc/hosts), routing, and that the container is on a "
            "network from which your GitLab can be reached."
        )
    return f"request to {url} failed: {said}"


def _trust(refused: ssl.SSLError) -> str:
    code = refused.verify_code if isinstance(refused, ssl.SSLCertVerificationError) else None
    if code in OUT_OF_TIME:
        return "Check the clocks of this host and of your GitLab (NTP), and renew the certificate if it is really out of date."
    return (
        "Make sure that GITGRIT_CUSTOM_CA_FILE_PATH names the chain of authorities that issued your GitLab's certificate (not that "
        "certificate itself), and that each has the extensions basicConstraints and keyUsage."
    )


def _by_tls(error: BaseException) -> ssl.SSLError | None:
    """The handshake's error, if it is why; one that only waited for bytes is none."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, TimeoutError | httpx.TimeoutException):
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLWantReadError | ssl.SSLWantWriteError
        ):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
