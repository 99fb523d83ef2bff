"""Gitea and Forgejo."""

from typing import Any
from urllib.parse import quote

from seatrial.control.accounts.providers import asking
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.needed import needs, ranks_asked
from seatrial.control.accounts.providers.oauth import Conversation, OutsideProvider
from seatrial.control.accounts.providers.verified import domains_of
from seatrial.control.listed import RANKS, Listed, Source


class GiteaConversation(Conversation):
    """Its API says the same in both."""

    kind = ProviderKind.GITEA
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"  # noqa: S105

    @property
    def _api(self) -> str:
        return f"{self.configured.url}/api/v1"

    def identify(self, bearer: str, response: dict[str, Any]) -> Identity:
        """Asks for addresses and organisations only if some are listed, for a rank only where one is asked for."""
        user = asking.one(f"{self._api}/user", bearer)
        login = str(user["login"])
        belongs: dict[Listed, str] = {}
        if needs(Source.EMAIL):
            rows = list(asking.every(f"{self._api}/user/emails?limit=50", bearer))
            belongs |= domains_of(str(row["email"]) for row in rows if row.get("verified") is True)
        if needs(Source.GITEA):
            for row in asking.every(f"{self._api}/user/orgs?limit=50", bearer):
                name = str(row.get("username") or row["name"])
                listed = Listed(Source.GITEA, name.lower())
                belongs[listed] = self._rank(login, name, bearer) if ranks_asked(listed) else "member"
        return Identity(self.kind, str(int(user["id"])), login, belongs)

    def _rank(self, login: str, organisation: str, bearer: str) -> str:
        member, admin, owner = RANKS[Source.GITEA]
        path = f"/users/{quote(login, safe='')}/orgs/{quote(organisation, safe='')}/permissions"
        may = asking.one(f"{self._api}{path}", bearer)
        if may.get("is_owner") is True:
            return owner
        return admin if may.get("is_admin") is True else member


class GiteaProvider(OutsideProvider):
    """For allauth."""

    id = ProviderKind.GITEA.value
    name = "Gitea"
    oauth2_adapter_class = GiteaConversation

    def get_default_scope(self) -> list[str]:
        """A version without such scopes gives a token that may do everything: it is dropped after these requests."""
        return ["read:user", *(["read:organization"] if needs(Source.GITEA) else [])]
