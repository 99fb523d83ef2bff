"""Every sign-in, sign-out and failure to sign in is in the audit log; sessions of providers' people end."""

from datetime import timedelta
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from seatrial.control.accounts.authentication import address
from seatrial.control.accounts.models import User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor

THROUGH_PROVIDER = "socialaccount"  # allauth's word


def connect() -> None:
    """Listen to Django's signals; called once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit.sign_in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit.sign_out")
    user_login_failed.connect(_failed, dispatch_uid="audit.sign_in_failure")


def _signed_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    proofs = get_authentication_records(request, user)
    if any(proof["method"] == THROUGH_PROVIDER for proof in proofs):
        # That very moment, whatever the person does until then: they are asked for once more at the provider.
        request.session.set_expiry(
            timezone.now() + timedelta(hours=settings.CONFIGURATION.auth_session_hours)
        )
    details = {"by": [proof.get("provider") or proof.get("type") or proof["method"] for proof in proofs]}
    audit.record("user.sign_in", f"user/{user.username}", by=_actor(user, request), details=details)


def _signed_out(sender: object, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        audit.record("user.sign_out", f"user/{user.username}", by=_actor(user, request))


def _failed(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    # What was typed as a username may be a password: only names that exist are recorded.
    typed = str(credentials.get("username", "")).replace("\x00", "")
    known = User.objects.filter(username=typed[:150]).exists()
    target = f"user/{typed[:150]}" if known else "user/(unknown)"
    by = Actor.anonymous(address=address(request) if request else None)
    audit.record("user.sign_in_failed", target, by=by)


def _actor(user: User, request: HttpRequest) -> Actor:
    return Actor.person(user.username, id=str(user.pk), address=address(request))
