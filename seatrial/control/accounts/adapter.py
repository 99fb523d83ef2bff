"""allauth, narrowed: people sign in here, they do not sign up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_ip
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class ClosedSignUpAdapter(DefaultAccountAdapter):
    """Accounts are made by an admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """Back to the sign-in page; allauth's own page for it is not routed."""
        messages.error(request, "This account is closed. Ask an admin of this server.")
        return redirect("account_login")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The name and the client's network address: who fails elsewhere does not lock the owner of the name out.

        Not allauth's own, which has the host in it: this server may have several names.
        """
        return f"{credentials.get('username', '')}\n{get_ip(request)}".lower()
