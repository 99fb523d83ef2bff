"""allauth, restricted: people can sign in, but not sign up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_ip
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

WAYS = {  # to say again who one is, by allauth's names for them
    "mfa_reauthenticate": "Use a code of the authenticator app, or a recovery code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class ClosedSignUpAdapter(DefaultAccountAdapter):
    """Accounts are made by an admin."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The name or the password is wrong.",
        "too_many_login_attempts": "Too many attempts. Wait a few minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always False."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Redirect to the sign-in page, because allauth's own page for closed accounts has no address here."""
        messages.error(request, "This account is closed. Ask an admin of this server.")
        return redirect("account_login")

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """allauth's, in our words."""
        return [
            {**method, "description": WAYS.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
        ]

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return the username with the client's address as the key under which failed sign-ins are counted.

        Whoever guesses from another address does not lock the owner of the name out. allauth also puts the host into the
        key: this server may have several, and a guesser could start a new count under each.
        """
        return f"{credentials.get('username', '')}\n{get_ip(request)}".lower()
