"""Who is behind a stream."""

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user
from django.db.models import QuerySet
from django.http import HttpRequest

from seatrial.control.accounts.access import AccessDenied
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.requests import M, one


async def watcher(request: HttpRequest) -> User:
    """The person who watches. A stream cannot send anybody to the sign-in page: it is simply not there."""
    user = await request.auser()
    if not isinstance(user, User) or not user.is_active:
        raise AccessDenied("Sign in first.", hidden=True)
    return user


def still_watching(request: HttpRequest) -> User | None:
    """The person behind an open stream as they are now, from the session as it is now; None once signed out.

    `request.user` is from when the stream began: since then they may have signed out, or got a new password, another
    role, or no right to sign in at all.
    """
    asked = HttpRequest()
    asked.session = type(request.session)(request.session.session_key)
    user = get_user(asked)
    return user if isinstance(user, User) and user.is_active else None


async def watched_one(rows: QuerySet[M], key: str) -> M:
    """`requests.one`, from a stream."""
    return await sync_to_async(one)(rows, key)
