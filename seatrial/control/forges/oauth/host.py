"""What differs from forge to forge in OAuth."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, kw_only=True)
class OAuthHost:
    """Where a kind of forge is asked, and what people enter there.

    Paths are below the server's root; `api_path` may end an address that somebody entered. Without `revoke_path` the forge
    takes no word for the end of an authorization, and `withdrawing` says where people end it. `registering` says how the
    application is made.
    """

    title: str
    api_path: str
    authorize_path: str
    token_path: str
    scopes: Sequence[str]
    registering: str
    withdrawing: str
    revoke_path: str = ""

    def root(self, base_url: str) -> str:
        """The root of the server at `base_url`."""
        return base_url.rstrip("/").removesuffix(self.api_path).rstrip("/")


def redirect_uri() -> str:
    """Where forges send people back to; every application must name exactly this address."""
    return f"{settings.SITE_URL}/connections/authorized"
