"""AUTH_REQUIRE_SECOND_FACTOR: whoever has a password and nothing else can only add a second factor."""

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.models import User
from seatrial.control.answers import error_body

SECOND_FACTORS = [
    Authenticator.Type.WEBAUTHN,
    Authenticator.Type.TOTP,
]  # recovery codes are only for losing these
OPEN = ("/accounts/", "/static/", "/healthz")
MESSAGE = "This server asks for a second factor: add a passkey or an authenticator app to go on."


def has_second_factor(user: User) -> bool:
    """Whether `user` has one; recovery codes alone are none."""
    return is_mfa_enabled(user, SECOND_FACTORS)


class SecondFactorMiddleware(MiddlewareMixin):
    """Looks at every request of a session. Requests with an API token have none, and pass."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """None: go on."""
        if settings.CONFIGURATION.auth_require_second_factor is not True or request.path.startswith(OPEN):
            return None
        user = request.user
        if not isinstance(user, User) or not is_local(user) or has_second_factor(user):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse(error_body("second_factor_required", MESSAGE), status=403)
        messages.warning(request, MESSAGE)
        return redirect("security")
