"""The page Security: password, passkeys, app, recovery codes, linked accounts."""

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.socialaccount.internal.flows import connect
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.signals import social_account_removed
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.configured import ProviderKind, find, usable
from seatrial.control.errors import NotFound


@require_GET
@login_required
@never_cache
def security(request: HttpRequest) -> HttpResponse:
    """Everything that somebody can sign in with."""
    return render(request, "accounts/security.html", _shown(person(request)))


@require_POST
@login_required
def unlink(request: HttpRequest, key: int) -> HttpResponse:
    """Take a linked account away, unless it is the only way in."""
    raise_if_reauthentication_required(request, app="allauth.socialaccount")
    account = SocialAccount.objects.filter(user=person(request), pk=key).first()
    if account is None:
        raise NotFound("You have linked no such account.")
    try:
        connect.validate_disconnect(request, account)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("security")
    account.delete()
    social_account_removed.send(sender=SocialAccount, request=request, socialaccount=account)
    messages.success(request, f"{_name(account)} is no longer connected.")
    return redirect("security")


def _shown(user: User) -> dict[str, Any]:
    mine = list(Authenticator.objects.filter(user=user).order_by("pk"))
    codes = next((one for one in mine if one.type == Authenticator.Type.RECOVERY_CODES), None)
    linked = list(SocialAccount.objects.filter(user=user).order_by("provider", "pk"))
    return {
        "local": is_local(user),
        "passkeys": [one for one in mine if one.type == Authenticator.Type.WEBAUTHN],
        "app": next((one for one in mine if one.type == Authenticator.Type.TOTP), None),
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "linked": [
            {"key": one.pk, "name": _name(one), "login": one.extra_data.get("login", "")} for one in linked
        ],
        "offered": [one for one in usable() if one.kind not in {row.provider for row in linked}],
        "required": settings.CONFIGURATION.auth_require_second_factor is True,
    }


def _name(account: SocialAccount) -> str:
    """The provider's, also of one that is off now."""
    known = next((kind for kind in ProviderKind if kind == account.provider), None)
    return find(known).name if known else str(account.provider)
