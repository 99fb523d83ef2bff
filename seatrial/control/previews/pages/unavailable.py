"""The page that any visitor sees where no preview answers."""

import base64
import hashlib
from functools import lru_cache

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from seatrial.control.dashboard.states import face
from seatrial.control.previews.pages.by_host import Unavailable, look_up

STYLE, SCRIPT = "previews/unavailable.css", "previews/unavailable.js"


@lru_cache(maxsize=2)
def _allowed(template: str) -> str:
    """The hash of an inline style or script. They are inline because the visitor's host serves none of our files."""
    digest = hashlib.sha256(render_to_string(template).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@csrf_exempt  # this page is the answer to any request for a preview that is not there
@never_cache
def preview_unavailable(request: HttpRequest) -> HttpResponseBase:
    """Show the state of a host's preview, and nothing else about it.

    Traefik sends visitors here, with the host that they asked for in X-Forwarded-Host. Their own query string comes
    along, so `?host=` only counts when there is no proxy.
    """
    host = (
        request.headers.get("X-Forwarded-Host")
        or request.GET.get("host")
        or request.META.get("HTTP_HOST", "")
    )
    return stand_in(request, host)


def stand_in(request: HttpRequest, host: str) -> HttpResponseBase:
    """The page of `host`. It reads nothing else of the request: no session, nobody who is signed in."""
    return alone(request, look_up(host))


def alone(request: HttpRequest, preview: Unavailable) -> HttpResponseBase:
    """One of these pages, which needs nothing else of this server."""
    return csp_replace(policy())(lambda _: _unavailable(preview))(request)


def policy() -> dict[str, list[str]]:
    """What the browser lets such a page load: what is in it, and itself."""
    return {
        "default-src": ["'none'"],
        "style-src": [_allowed(STYLE)],
        "script-src": [_allowed(SCRIPT)],
        "connect-src": ["'self'"],
        "img-src": ["data:"],
    }


def _unavailable(preview: Unavailable) -> HttpResponse:
    context = {
        "preview": preview,
        "face": face(preview.state),
        "style": render_to_string(STYLE),
        "script": render_to_string(SCRIPT),
    }
    response = render(None, "previews/unavailable.html", context, status=preview.status)
    # The page's script asks for it, and only reloads the page when it has changed.
    response["X-Seatrial-Preview"] = preview.state
    response["X-Seatrial-Progress"] = preview.progress
    if preview.retry_seconds:
        response["Retry-After"] = str(preview.retry_seconds)
    return response
