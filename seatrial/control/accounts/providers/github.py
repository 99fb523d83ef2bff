"""GitHub, github.com or an Enterprise Server."""

from typing import Any

from seatrial.control.accounts.providers import asking
from seatrial.control.accounts.providers.configured import GITHUB, ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.needed import needs
from seatrial.control.accounts.providers.oauth import Conversation, OutsideProvider
from seatrial.control.accounts.providers.verified import domains_of
from seatrial.control.listed import Listed, Source


class GitHubConversation(Conversation):
    """Membership of an organisation that restricts OAuth applications is only seen once it has approved this one."""

    kind = ProviderKind.GITHUB
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"  # noqa: S105

    @property
    def _api(self) -> str:
        url = self.configured.url
        return "https://api.github.com" if url == GITHUB else f"{url}/api/v3"

    def identify(self, bearer: str, response: dict[str, Any]) -> Identity:
        """Asks for addresses and organisations only if some are listed."""
        user = asking.one(f"{self._api}/user", bearer)
        belongs: dict[Listed, str] = {}
        if needs(Source.EMAIL):
            rows = list(asking.every(f"{self._api}/user/emails?per_page=100", bearer))
            belongs |= domains_of(str(row["email"]) for row in rows if row.get("verified") is True)
        if needs(Source.GITHUB):
            url = f"{self._api}/user/memberships/orgs?state=active&per_page=100"
            belongs |= {
                Listed(Source.GITHUB, row["organization"]["login"].lower()): row["role"]
                for row in asking.every(url, bearer)
                if row.get("state") == "active" and row.get("role") in {"member", "admin"}
            }
        return Identity(self.kind, str(int(user["id"])), user["login"], belongs)


class GitHubProvider(OutsideProvider):
    """For allauth."""

    id = ProviderKind.GITHUB.value
    name = "GitHub"
    oauth2_adapter_class = GitHubConversation

    def get_default_scope(self) -> list[str]:
        """Without any, GitHub says who somebody is."""
        emails = ["user:email"] if needs(Source.EMAIL) else []
        return emails + (["read:org"] if needs(Source.GITHUB) else [])
