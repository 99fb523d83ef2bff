"""GitLab, gitlab.com or self-managed. It says all that is asked in one answer of OpenID Connect, so no scope of its API is."""

from typing import Any

from seatrial.control.accounts.providers import asking
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.oauth import Conversation, OutsideProvider
from seatrial.control.accounts.providers.verified import domains_of
from seatrial.control.listed import RANKS, Listed, Source

RANK_CLAIM = "https://gitlab.org/claims/groups/{}"


class GitLabConversation(Conversation):
    """`groups` names every group that somebody is in, themselves or through a group above it."""

    kind = ProviderKind.GITLAB
    authorize_path = "/oauth/authorize"
    token_path = "/oauth/token"  # noqa: S105

    def identify(self, bearer: str, response: dict[str, Any]) -> Identity:
        """From the claims at /oauth/userinfo."""
        claims = asking.one(f"{self.configured.url}/oauth/userinfo", bearer)
        belongs: dict[Listed, str] = {}
        member, *higher = RANKS[Source.GITLAB]
        for rank, claim in [(member, "groups"), *((one, RANK_CLAIM.format(one)) for one in higher)]:
            belongs |= {Listed(Source.GITLAB, str(path).lower()): rank for path in claims.get(claim) or []}
        if claims.get("email_verified") is True:
            belongs |= domains_of([str(claims["email"])])
        login = claims.get("preferred_username") or claims["nickname"]
        return Identity(self.kind, str(int(claims["sub"])), str(login), belongs)


class GitLabProvider(OutsideProvider):
    """For allauth."""

    id = ProviderKind.GITLAB.value
    name = "GitLab"
    oauth2_adapter_class = GitLabConversation

    def get_default_scope(self) -> list[str]:
        """`profile` is what has the username since GitLab 16."""
        return ["openid", "profile", "email"]
