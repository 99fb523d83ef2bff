"""Pages for people: the page kit, bound to who is signed in and what they may see."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import AccessDenied, Action, require_somewhere, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.audit import pages as audit
from seatrial.control.audit.models import AuditEntry
from seatrial.control.dashboard.streams import Texts, Watched, stream


@dataclass(frozen=True)
class LivePart:
    """The part of a page that follows what it shows.

    `context` gives its template's variables in a constant number of queries; `fingerprint` takes a few small ones, is
    asked every second, and changes when the part would. Both are given the watcher as they are now, and ask for access
    anew: `context` raises NotFound, and `fingerprint` returns None, when they may not see it any more.
    """

    template: str
    context: Callable[[User], dict[str, Any]]
    fingerprint: Callable[[User], Hashable | None]


async def follow(request: HttpRequest, part: LivePart, *, extra: Texts | None = None) -> HttpResponseBase:
    """The stream of `part`, with what `extra` yields in between. Ask `watcher` first, and for access to what it shows."""

    def render(user: User) -> str:
        return render_to_string(part.template, part.context(user), request)

    return await stream(request, Watched(still_watching, part.fingerprint, render), extra=extra)


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


@require_GET
@login_required
def audit_log(request: HttpRequest) -> HttpResponse:
    """Who did what, and when. The log lies below the people in it, so its page is given the rows to show."""
    user = person(request)
    require_somewhere(user, Action.VIEW_AUDIT)
    return audit.log(request, visible(user, AuditEntry))
