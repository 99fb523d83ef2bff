"""API tokens: `sea_` and 32 random bytes, shown once, kept as SHA-256."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor

PREFIX = "sea_"
SHOWN_CHARACTERS = 8
USE_IS_NOTED_EVERY = timedelta(minutes=1)  # else every request would write a row


def digest(token: str) -> str:
    """The hash that the database keeps. A token has 256 random bits, so a slow hash would not protect it better."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue(user: User, name: str, *, by: Actor, expires_at: datetime | None = None) -> str:
    """Make a token for `user` and return it. This is the only time that anybody sees it."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name, prefix=token[:SHOWN_CHARACTERS], digest=digest(token), expires_at=expires_at
    )
    audit.record(
        "api_token.create", f"api_token/{row.pk}", by=by, details={"name": name, "of": user.username}
    )
    return token


def revoke(token: ApiToken, *, by: Actor) -> None:
    """Remove a token: the next request with it is refused."""
    audit.record("api_token.revoke", f"api_token/{token.pk}", by=by, details={"name": token.name})
    token.delete()


def find(token: str) -> ApiToken | None:
    """The token's row when it is known, has not expired, and its owner may still sign in.

    The lookup is by digest, so the time it takes reveals nothing about any token.
    """
    if not token.startswith(PREFIX):
        return None
    now = timezone.now()
    living = Q(expires_at=None) | Q(expires_at__gt=now)
    row = (
        ApiToken.objects.select_related("user")
        .filter(living, digest=digest(token), user__is_active=True)
        .first()
    )
    if row and (row.last_used_at is None or now - row.last_used_at > USE_IS_NOTED_EVERY):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row
