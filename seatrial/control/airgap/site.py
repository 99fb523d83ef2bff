"""SITE_URL: the address at which people and code hosts reach this server."""

import ipaddress
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from seatrial.control import outbound
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.airgap import asking
from seatrial.control.airgap.asking import Answer
from seatrial.control.airgap.errors import UnfitSite
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.control.configuration import Configuration

UNKNOWN = (
    "whether your GitLab reaches it cannot be known from here: after connecting, send a test from the webhook's page in GitLab, or "
    "`seatrial deliveries test`"
)


def required(configuration: Configuration) -> str:
    """SITE_URL. Raises UnfitSite if it leads nobody but this machine here."""
    url = configuration.site_url
    host = urlsplit(url).hostname or ""
    if not reachable_elsewhere(host):
        raise UnfitSite(
            f"SITE_URL='{url}' (host='{host}') is not a public hostname. Set it in .env to the address at which people, and your "
            "GitLab with its webhooks, reach this server."
        )
    return url


def reachable_elsewhere(host: str) -> bool:
    """Whether other machines could know it under this name: it is neither empty, nor the loopback, nor no address at all."""
    if not host or outbound.on_this_machine(host):
        return False
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return True


def callback(configuration: Configuration) -> Finding:
    """What must be in the OAuth application at GitLab, letter for letter."""
    kind = ProviderKind.GITLAB
    return ok(
        f"redirect URI of the OAuth application in GitLab, exactly: {configuration.site_url}/accounts/{kind}/login/callback/"
    )


def answers(configuration: Configuration) -> Iterator[Finding]:
    """Whether SITE_URL leads to this server, as far as that can be seen from here."""
    try:
        url = required(configuration)
    except UnfitSite as error:
        yield fail(str(error))
        return
    try:
        answer = asking.asked(configuration, f"{url}/healthz")
    except asking.FAILURES as error:
        yield warn(
            f"SITE_URL={url} does not answer from here: {asking.said(error)}. Start the server, and check that the name leads to it; "
            f"{UNKNOWN}"
        )
        return
    if is_ours(answer):
        yield ok(f"SITE_URL={url} answers from here; {UNKNOWN}")
    else:
        yield fail(
            f"SITE_URL={url} is answered by something else than this server: {url}/healthz returned HTTP {answer.status} "
            f"(Content-Type: {answer.content_type}). Correct SITE_URL, or the proxy in front"
        )


def is_ours(answer: Answer) -> bool:
    """Whether the server's health check has answered, well or not."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return False
    return answer.status in {200, 503} and isinstance(said, dict) and "status" in said
