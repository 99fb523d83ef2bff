"""OAuth as allauth does it (state, PKCE, one callback per provider), with our addresses, our requests, our idea of an account."""

from typing import Any, ClassVar

from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.base.provider import ProviderAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.http import HttpRequest

from seatrial.control.accounts.providers import asking
from seatrial.control.accounts.providers.configured import Provider, ProviderKind, find
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.problems import Problem, ProviderError


class Client(OAuth2Client):
    """Exchanges the code that people come back with for a token."""

    def get_access_token(
        self, code: str, pkce_code_verifier: str | None = None, extra_data: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The provider's answer. Raises ProviderError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback_url,
            "client_id": self.consumer_key,
            "client_secret": self.consumer_secret,
            "code_verifier": pkce_code_verifier or "",
        }
        return asking.token(self.access_token_url, form)


class Conversation(OAuth2Adapter):
    """One sign-in with one provider. A subclass says where its addresses are and who has come back."""

    client_class = Client
    kind: ClassVar[ProviderKind]
    authorize_path: ClassVar[str]
    token_path: ClassVar[str]

    @property
    def provider_id(self) -> str:  # type: ignore[override]  # the settings say it, so it is asked for each time
        """Its name for allauth."""
        return self.kind.value

    @property
    def configured(self) -> Provider:
        """The provider as the settings are now."""
        return find(self.kind)

    @property
    def authorize_url(self) -> str:
        """Where people are sent to."""
        return f"{self.configured.url}{self.authorize_path}"

    @property
    def access_token_url(self) -> str:  # type: ignore[override]
        """Where a token is asked for."""
        return f"{self.configured.url}{self.token_path}"

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """That of SITE_URL, however people came here: applications name exactly one address."""
        return self.configured.callback

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """The token, for as long as this request lasts: none is stored."""
        return SocialToken(token=data["access_token"])

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> Any:
        """A SocialLogin with the `identity` of whoever has come back. Raises ProviderError."""
        try:
            identity = self.identify(token.token, kwargs["response"])
        except (KeyError, TypeError, ValueError) as error:  # an answer in a shape that the provider never has
            raise ProviderError(Problem.NOT_THE_PROVIDER) from error
        provider: Any = self.get_provider()  # type: ignore[no-untyped-call]
        login = provider.sociallogin_from_response(request, identity)
        login.identity = identity
        return login

    def identify(self, bearer: str, response: dict[str, Any]) -> Identity:
        """The account that the token `bearer` is of; `response` is what came with it. Raises ProviderError."""
        raise NotImplementedError


class OutsideAccount(ProviderAccount):
    """How allauth's pages call an account."""

    def to_str(self) -> str:
        """Its login."""
        return str(self.account.extra_data.get("login", ""))


class OutsideProvider(OAuth2Provider):
    """One provider, for allauth. Of the account, only its login is stored."""

    account_class = OutsideAccount
    pkce_enabled_default = True  # all four know it; a server too old for it ignores it

    def get_default_scope(self) -> list[str]:
        """No more than what the settings make necessary."""
        raise NotImplementedError

    def extract_uid(self, identity: Identity) -> str:
        """What stays the same when the account is renamed."""
        return identity.uid

    def extract_common_fields(self, identity: Identity) -> dict[str, str]:
        """No e-mail address: nothing here needs one, and none may lead to somebody else's account."""
        return {"username": identity.login}

    def extract_extra_data(self, identity: Identity) -> dict[str, str]:
        """What the page Security shows."""
        return {"login": identity.login}
