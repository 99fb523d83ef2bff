"""Where a sign-in with a provider begins, and where people come back to."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal.ratelimit import consume_or_429
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from seatrial.control.accounts.providers.configured import ProviderKind, find
from seatrial.control.accounts.providers.explaining import explained
from seatrial.control.accounts.providers.gitea import GiteaProvider
from seatrial.control.accounts.providers.github import GitHubProvider
from seatrial.control.accounts.providers.gitlab import GitLabProvider
from seatrial.control.accounts.providers.google import GoogleProvider
from seatrial.control.accounts.providers.oauth import OutsideProvider
from seatrial.control.accounts.providers.problems import Problem

View = Callable[..., HttpResponse]
PROVIDERS: list[type[OutsideProvider]] = [GitHubProvider, GitLabProvider, GiteaProvider, GoogleProvider]


def addresses() -> list[URLPattern]:
    """Two for each provider, also for those that are off: there, a page says so."""
    return [
        address
        for provider in PROVIDERS
        for address in (
            path(f"accounts/{provider.id}/login/", _begins(provider.id), name=f"{provider.id}_login"),
            path(
                f"accounts/{provider.id}/login/callback/",
                _comes_back(provider),
                name=f"{provider.id}_callback",
            ),
        )
    ]


@never_cache
def led_on(request: HttpRequest, url: str, name: str) -> HttpResponse:
    """A page that leads on by itself.

    Not a redirect: browsers hold every redirect after a form against our `form-action`, also those that the provider makes
    to a company's own sign-in, which nobody here can know.
    """
    return render(request, "accounts/led_on.html", {"url": url, "name": name})


def _begins(kind: str) -> View:
    def begin(request: HttpRequest) -> HttpResponse:
        """Only a form of ours begins a sign-in: a link that anybody can make must not."""
        provider = find(kind)
        if not provider.usable:
            return explained(request, provider, Problem.INCOMPLETE if provider.enabled else Problem.DISABLED)
        if request.method != "POST":
            return redirect("account_login")
        if (limited := consume_or_429(request, app="allauth.account", action="login")) is not None:
            return limited
        further = get_next_redirect_url(request)
        if request.get_host() != urlsplit(settings.SITE_URL).netloc:
            return _at_our_address(request, further)
        process = AuthProcess.LOGIN
        if request.POST.get("process") == AuthProcess.CONNECT:
            raise_if_reauthentication_required(request, app="allauth.socialaccount")
            process, further = AuthProcess.CONNECT, None
        leaving = get_adapter(request).get_provider(request, kind).redirect(request, process, further)
        return led_on(request, leaving.url, provider.name)

    return begin


def _at_our_address(request: HttpRequest, further: str | None) -> HttpResponse:
    """People come back to SITE_URL, where the cookie of another address would be missing: they begin again there."""
    query = f"?{urlencode({'next': further})}" if further else ""
    return led_on(request, f"{settings.SITE_URL}{reverse('account_login')}{query}", settings.SITE_URL)


def _comes_back(provider: type[OutsideProvider]) -> View:
    callback = OAuth2CallbackView.adapter_view(provider.oauth2_adapter_class)

    @require_GET
    def come_back(request: HttpRequest) -> HttpResponse:
        configured = find(ProviderKind(provider.id))
        if not configured.usable:
            return explained(
                request, configured, Problem.INCOMPLETE if configured.enabled else Problem.DISABLED
            )
        answer: HttpResponse = callback(request)
        return answer

    return come_back
