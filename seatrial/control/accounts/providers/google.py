"""Google, for people whose e-mail addresses it is responsible for."""

from typing import Any

from allauth.socialaccount.providers.google import views as google

from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.oauth import Conversation, OutsideProvider
from seatrial.control.accounts.providers.problems import Problem, ProviderError
from seatrial.control.accounts.providers.verified import domains_of
from seatrial.control.listed import Listed

GMAIL = "@gmail.com"


class GoogleConversation(Conversation):
    """Anybody can make a Google account with the address they have at work, and keep it when they leave.

    So an address counts as verified only if it is Google's own, or of a Workspace (the claim `hd`), where the organisation
    itself closes the account.
    """

    kind = ProviderKind.GOOGLE
    authorize_address = google.AUTHORIZE_URL
    token_address = google.ACCESS_TOKEN_URL

    @property
    def authorize_url(self) -> str:
        """Google has several hosts."""
        return str(self.authorize_address)

    @property
    def access_token_url(self) -> str:  # type: ignore[override]
        """Google has several hosts."""
        return str(self.token_address)

    def identify(self, bearer: str, response: dict[str, Any]) -> Identity:
        """From the ID token, which came straight from Google over TLS: issuer, audience and age are checked."""
        app = self.get_provider().app  # type: ignore[no-untyped-call]
        if not isinstance(response.get("id_token"), str):
            raise ProviderError(Problem.SCOPE)
        claims = google._verify_and_decode(app, response["id_token"], verify_signature=False)  # noqa: SLF001
        email = str(claims["email"]).lower()
        belongs: dict[Listed, str] = {}
        if claims.get("email_verified") is True and (claims.get("hd") or email.endswith(GMAIL)):
            belongs = domains_of([email])
        return Identity(self.kind, str(claims["sub"]), email, belongs)


class GoogleProvider(OutsideProvider):
    """For allauth."""

    id = ProviderKind.GOOGLE.value
    name = "Google"
    oauth2_adapter_class = GoogleConversation

    def get_default_scope(self) -> list[str]:
        """What makes Google send an ID token with the address in it."""
        return ["openid", "email", "profile"]
