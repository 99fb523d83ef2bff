"""The sign-in page with its providers, and changing a password for those who have one."""

from typing import Any

from allauth.account import views as allauth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.providers.configured import usable


class SignIn(allauth.LoginView):
    """allauth's, with a button for each provider."""

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Beside allauth's, `providers`."""
        return {**super().get_context_data(**more), "providers": usable()}


@login_required
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Whoever comes in through a provider has none to change."""
    if not is_local(person(request)):
        return redirect("security")
    return allauth.password_change(request)
