"""What happens to passwords, second factors and linked accounts is in the audit log."""

from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as social
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.http import HttpRequest

from seatrial.control.accounts.authentication import address
from seatrial.control.accounts.models import User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor

CHANGES = {
    mfa.authenticator_added: "second_factor.add",
    mfa.authenticator_removed: "second_factor.remove",
    mfa.authenticator_reset: "second_factor.renew",
    mfa.authenticator_used: "second_factor.use",
    mfa.authentication_failed: "second_factor.fail",
}


def connect() -> None:
    """Listen to allauth's signals; called once, when the app is ready."""
    for signal, action in CHANGES.items():
        signal.connect(_record(action), dispatch_uid=f"audit.{action}", weak=False)
    password_changed.connect(_changed, dispatch_uid="audit.change_password")
    social.social_account_added.connect(_linked, dispatch_uid="audit.link")
    social.social_account_removed.connect(_unlinked, dispatch_uid="audit.unlink")


def _record(action: str) -> Any:
    def record(
        sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
    ) -> None:
        details = {"kind": authenticator.type}
        audit.record(action, f"user/{user.username}", by=_actor(user, request), details=details)

    return record


def _changed(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    audit.record("user.change_password", f"user/{user.username}", by=_actor(user, request))


def _linked(sender: object, request: HttpRequest, sociallogin: SocialLogin, **_: Any) -> None:
    _link("user.link", sociallogin.account, request)


def _unlinked(sender: object, request: HttpRequest, socialaccount: SocialAccount, **_: Any) -> None:
    _link("user.unlink", socialaccount, request)


def _link(action: str, account: SocialAccount, request: HttpRequest) -> None:
    details = {"account": f"{account.provider}:{account.extra_data.get('login', '')}"}
    by = _actor(account.user, request)
    audit.record(action, f"user/{account.user.username}", by=by, details=details)


def _actor(user: User, request: HttpRequest) -> Actor:
    return Actor.person(user.username, id=str(user.pk), address=address(request))
