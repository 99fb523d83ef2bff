"""Pages for people: the page kit, bound to who is signed in and what they may see."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import (
    AccessDenied,
    Action,
    allowed,
    require,
    require_somewhere,
    visible,
)
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.audit import pages as audit
from seatrial.control.audit.models import AuditEntry
from seatrial.control.dashboard.links import Named
from seatrial.control.dashboard.streams import Texts, Watched, stream


@dataclass(frozen=True)
class LivePart:
    """The part of a page that is updated whenever what it shows changes.

    `context` returns the template's variables, with a constant number of queries. `fingerprint` is called every second,
    makes a few small queries, and returns another value whenever the part would look different. Both are given the
    watcher as they are now, and check access again: when the watcher may not see the part any more, `context` raises
    NotFound and `fingerprint` returns None.
    """

    template: str
    context: Callable[[User], dict[str, Any]]
    fingerprint: Callable[[User], Hashable | None]


async def follow(request: HttpRequest, part: LivePart, *, extra: Texts | None = None) -> HttpResponseBase:
    """The stream of `part`, with the texts that `extra` yields in between. Call `watcher` and check access before."""

    def render(user: User) -> str:
        return render_to_string(part.template, part.context(user), request)

    return await stream(request, Watched(still_watching, part.fingerprint, render), extra=extra)


async def watcher(request: HttpRequest) -> User:
    """The person who opens the stream. Without one, raises AccessDenied, which is answered with 404.

    A stream cannot send anybody to the sign-in page.
    """
    user = await request.auser()
    if not isinstance(user, User) or not user.is_active:
        raise AccessDenied("Sign in first.", hidden=True)
    return user


def still_watching(request: HttpRequest) -> User | None:
    """The person behind an open stream, with their session loaded again; None once they have signed out.

    `request.user` was loaded when the stream began. Since then they may have signed out, or got a new password or
    another role, or their account may have been closed.
    """
    asked = HttpRequest()
    asked.session = type(request.session)(request.session.session_key)
    user = get_user(asked)
    return user if isinstance(user, User) and user.is_active else None


@require_GET
@login_required
def audit_log(request: HttpRequest, named: Named) -> HttpResponse:
    """Who did what, and when. The app `audit` is below this one, so its page is given the rows to show."""
    user = person(request)
    require_somewhere(user, Action.VIEW_AUDIT)
    whole = allowed(user, Action.VIEW_AUDIT, None)
    return audit.log(request, visible(user, AuditEntry), named, whole=whole)


@require_POST
@login_required
def audit_verify(request: HttpRequest) -> HttpResponse:
    """Verify the whole log now: the instance admin's."""
    require(person(request), Action.VIEW_AUDIT, None)
    return audit.verify(request)
