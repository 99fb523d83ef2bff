"""Which addresses may be told. Where names lead is checked when a connection is opened: see `outbound`."""

from urllib.parse import urlsplit

from django.conf import settings

from seatrial.control.outbound import on_this_machine
from seatrial.control.policies.errors import BadSubscription

MAX_URL = 500
CLOSED = "AIRGAPPED is set: this server tells nothing to addresses elsewhere. The REST API answers whoever asks it."


def checked(url: str) -> str:
    """`url`, if it may be told. Raises BadSubscription."""
    if settings.CONFIGURATION.airgapped:
        raise BadSubscription(CLOSED)
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.scheme != "https" or len(url) > MAX_URL or not url.isprintable() or " " in url:
        raise BadSubscription(
            f"Name an address that begins with https:// and has at most {MAX_URL} characters."
        )
    if parts.username is not None or parts.fragment:
        raise BadSubscription(
            "The address may hold neither a password nor a fragment (#): notices are signed instead."
        )
    if on_this_machine(parts.hostname or "") or parts.hostname in _own():
        raise BadSubscription("The address is one of this server's own. Name one elsewhere.")
    return url


def host_of(url: str) -> str:
    """The part of an address that holds no secret."""
    return urlsplit(url).hostname or ""


def _own() -> set[str]:
    """Hosts that this server itself asks, and at which others may not have it ask."""
    configuration = settings.CONFIGURATION
    own = (configuration.internal_url, configuration.site_url, configuration.galley_traefik_api_url)
    return {host for url in own if (host := host_of(url))}
