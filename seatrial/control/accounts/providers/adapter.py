"""allauth's sign-in through providers, restricted: providers come from the settings, and only the admitted come in."""

from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from seatrial.control.accounts.admission import invitations, names, roles
from seatrial.control.accounts.admission.services import Admission, admit
from seatrial.control.accounts.admission.sessions import end_sessions, is_local
from seatrial.control.accounts.authentication import address
from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.asking import SAID
from seatrial.control.accounts.providers.configured import find, usable
from seatrial.control.accounts.providers.explaining import explained
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.accounts.providers.problems import Problem, ProviderError
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor


class ProviderSignIn(DefaultSocialAccountAdapter):
    """The order: the provider says who it is; `pre_social_login` admits or refuses; then there is a user, then a session."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those of the settings. Rows of the database do not count."""
        return [
            SocialApp(
                provider=one.kind.value, name=one.name, client_id=one.client_id, secret=one.client_secret
            )
            for one in usable()
            if provider in {None, one.kind.value} and client_id in {None, one.client_id}
        ]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse whoever is not admitted; give the roles of today to whoever has been here before.

        The token has done its work, and must not get into the session of a sign-in that waits.
        """
        sociallogin.token = None
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return  # links an account to whoever is signed in; what it may do is asked when somebody signs in with it
        identity: Identity = sociallogin.identity
        user = sociallogin.user if sociallogin.is_existing else None
        sociallogin.admission = admit(identity, user)
        if sociallogin.admission is None:
            self._refuse(request, identity, user)
        if user is not None and user.is_active:
            self._come_in(request, sociallogin.admission, identity, user)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Only for whom `pre_social_login` has admitted."""
        return isinstance(getattr(sociallogin, "admission", None), Admission)

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Make a user for somebody who comes for the first time; never one that exists, whatever its name or address."""
        user: User = sociallogin.user
        identity: Identity = sociallogin.identity
        try:
            with transaction.atomic():
                user.username = names.free(identity)
                user.email = ""
                user.set_unusable_password()
                sociallogin.save(request)
                details = {
                    "account": f"{identity.provider}:{identity.login}",
                    "because": sociallogin.admission.because,
                }
                audit.record(
                    "user.create", f"user/{user.username}", by=_actor(user, request), details=details
                )
                self._come_in(request, sociallogin.admission, identity, user)
        except IntegrityError as error:  # the same account or name, in another request
            page = explained(request, find(identity.provider), Problem.AT_THE_SAME_TIME)
            raise ImmediateHttpResponse(page) from error
        return user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> NoReturn:
        """Answer with the page that says what to do; with the sign-in page if somebody changed their mind."""
        begun = "state" in (extra_context or {})  # allauth knows it only of a sign-in that began here
        problem = _problem(request, exception, begun=begun)
        if begun:
            details = {
                "provider": provider.id,
                "problem": AuthError.CANCELLED if problem is None else str(problem),
            }
            by = Actor.anonymous(address=address(request))
            audit.record("user.sign_in_failed", "user/(unknown)", by=by, details=details)
        if problem is None:
            messages.info(request, f"You were not signed in: the sign-in with {provider.name} was cancelled.")
            raise ImmediateHttpResponse(redirect("account_login"))
        scopes = " ".join(provider.get_default_scope())
        raise ImmediateHttpResponse(explained(request, find(provider.id), problem, scopes=scopes))

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        """allauth has refused already what would leave somebody without a way in."""

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        """The page that lists them."""
        return reverse("security")

    def get_requests_session(self) -> NoReturn:
        """Nothing that has an address here asks anybody by this: `asking` does, through the one guard."""
        raise NotImplementedError(
            "requests to providers are made by seatrial.control.accounts.providers.asking"
        )

    def _come_in(self, request: HttpRequest, admission: Admission, identity: Identity, user: User) -> None:
        invitations.accept(admission.invitations, identity, user, by=_actor(user, request))
        # Who also has a password would keep a mapped role by never coming through here again.
        if not is_local(user):
            roles.apply(user, identity)

    def _refuse(self, request: HttpRequest, identity: Identity, user: User | None) -> NoReturn:
        """Whoever was let in before has left: what they still have open ends, and their mapped roles."""
        if user is not None and not is_local(user):
            end_sessions(user)
            roles.apply(user, identity)
        details = {
            "provider": str(identity.provider),
            "account": identity.login[:150],
            "problem": str(Problem.NOT_ADMITTED),
        }
        target = f"user/{user.username}" if user else "user/(unknown)"
        by = Actor.anonymous(address=address(request))
        audit.record("user.sign_in_failed", target, by=by, details=details)
        raise ImmediateHttpResponse(explained(request, find(identity.provider), Problem.NOT_ADMITTED))


def _problem(request: HttpRequest, exception: Exception | None, *, begun: bool) -> Problem | None:
    """What went wrong; None: nothing, the person said no at the provider."""
    if isinstance(exception, ProviderError):
        return exception.problem
    if exception is not None:
        return Problem.PROVIDER_ERROR
    said = request.GET.get("error", "")
    if said in SAID:
        return SAID[said]
    if not begun:
        return Problem.STATE
    return None if said == "access_denied" else Problem.PROVIDER_ERROR


def _actor(user: User, request: HttpRequest) -> Actor:
    return Actor.person(user.username, id=str(user.pk), address=address(request))
