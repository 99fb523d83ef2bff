"""API tokens: `sea_` and 32 random bytes, shown once, kept as SHA-256.

People make tokens with scopes, which expire. The installation makes one without, for the `seatrial` command of its host.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.accounts.access import SCOPES, Scope
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError, NotFound

PREFIX = "sea_"
SHOWN_CHARACTERS = 8
USE_IS_NOTED_EVERY = timedelta(minutes=1)  # else every request would write a row
USUAL_DAYS, MOST_DAYS = 30, 366
MOST_NAME = 100  # characters
MOST_TOKENS = 100  # of one person, expired ones too


class UnfitToken(ControlError):
    """A token that cannot be made as somebody wants it."""

    code = "unfit_token"
    status = 400


def digest(token: str) -> str:
    """The hash that the database keeps. A token has 256 random bits, so a slow hash would not protect it better."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def issue(
    user: User,
    name: str,
    *,
    by: Actor,
    expires_at: datetime | None = None,
    scopes: Sequence[Scope] = (),
) -> str:
    """Make a token for `user` and return it. This is the only time that anybody sees it."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=token[:SHOWN_CHARACTERS],
        digest=digest(token),
        expires_at=expires_at,
        scopes=list(scopes),
    )
    details = {"name": name, "of": user.username, "scopes": list(scopes)}
    audit.record("api_token.create", f"api_token/{row.pk}", by=by, details=details)
    return token


def make(user: User, name: str, scopes: Sequence[str], days: int, *, by: Actor) -> str:
    """A token with these scopes and `read`, for somebody who asks for one. Raises UnfitToken."""
    name = " ".join(name.split())
    unknown = sorted(set(scopes) - set(Scope))
    if not name or len(name) > MOST_NAME:
        raise UnfitToken(f"name: say in 1 to {MOST_NAME} characters which program the token is for.")
    if unknown or not scopes:
        said = f"there is no scope {unknown[0][:MOST_NAME]}" if unknown else "choose what the token may do"
        raise UnfitToken(f"scopes: {said}. There are: {', '.join(Scope)}.")
    if not 1 <= days <= MOST_DAYS:
        raise UnfitToken(f"days: a token is valid for 1 to {MOST_DAYS} days.")
    if user.api_tokens.count() >= MOST_TOKENS:
        raise UnfitToken(f"You have {MOST_TOKENS} tokens, which is the most. Revoke some first.")
    expires_at = timezone.now() + timedelta(days=days)
    chosen = [scope for scope in Scope if scope in {Scope.READ, *scopes}]
    return issue(user, name, by=by, expires_at=expires_at, scopes=chosen)


def of(user: User) -> QuerySet[ApiToken]:
    """Somebody's own tokens, the newest first. Nobody sees those of others."""
    return user.api_tokens.order_by("-id")


def one_of(user: User, key: str) -> ApiToken:
    """One of somebody's own tokens. Raises NotFound."""
    row = of(user).filter(pk=key.replace("\x00", "")).first()
    if row is None:
        raise NotFound(f"You have no token {key[:MOST_NAME]}.")
    return row


@transaction.atomic
def revoke(token: ApiToken, *, by: Actor) -> None:
    """Remove a token: the next request with it is refused."""
    audit.record("api_token.revoke", f"api_token/{token.pk}", by=by, details={"name": token.name})
    token.delete()


def find(token: str) -> ApiToken | None:
    """The token's row when it is known, has not expired, and its owner may still sign in: limited to what its scopes allow.

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
    if row and row.scopes:
        row.user.limited_to = frozenset().union(*(SCOPES[scope] for scope in Scope if scope in row.scopes))
    return row
