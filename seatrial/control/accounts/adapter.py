"""allauth, restricted: people can sign in, but not sign up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class ClosedSignUpAdapter(DefaultAccountAdapter):
    """Accounts are made by an admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always False."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Redirect to the sign-in page, because allauth's own page for closed accounts has no address here."""
        messages.error(request, "This account is closed. Ask an admin of this server.")
        return redirect("account_login")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Return the username alone as the key under which failed sign-ins are counted.

        allauth also puts the host into the key. This server answers to every host below the previews' domain, so a
        guesser could start a new count under each.
        """
        return str(credentials.get("username", "")).lower()
