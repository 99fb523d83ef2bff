"""Who is behind a stream."""

from asgiref.sync import sync_to_async
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


async def watched_one(rows: QuerySet[M], key: str) -> M:
    """`requests.one`, from a stream."""
    return await sync_to_async(one)(rows, key)
