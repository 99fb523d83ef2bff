"""Pages for anybody: what a visitor sees where no preview answers, the theme switch, the style guide."""

import base64
import hashlib
from functools import lru_cache

from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from seatrial.control.dashboard.previews_by_host import Unavailable, look_up
from seatrial.control.dashboard.states import face

THEMES = {"light", "dark", "auto"}
YEAR_SECONDS = 31_536_000
STYLE, SCRIPT = "dashboard/unavailable.css", "dashboard/unavailable.js"


@lru_cache(maxsize=2)
def _allowed(template: str) -> str:
    """The page's own style and script by their hashes: inline, because its visitor's host serves none of our files."""
    digest = hashlib.sha256(render_to_string(template).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@csrf_exempt  # whatever a visitor sent to a preview that is not there, the answer is this page
@never_cache
def preview_unavailable(request: HttpRequest) -> HttpResponseBase:
    """Says what state the preview of a host is in, and nothing else about it.

    Traefik sends visitors here with the host they asked for in X-Forwarded-Host. Their own query comes along, so
    `?host=` counts only where no proxy stands in front.
    """
    host = (
        request.headers.get("X-Forwarded-Host")
        or request.GET.get("host")
        or request.META.get("HTTP_HOST", "")
    )
    found = look_up(host)
    policy = {
        "default-src": ["'none'"],
        "style-src": [_allowed(STYLE)],
        "script-src": [_allowed(SCRIPT)],
        "connect-src": ["'self'"],
        "img-src": ["data:"],
    }
    return csp_replace(policy)(lambda asked: _unavailable(asked, found))(request)


def _unavailable(request: HttpRequest, found: Unavailable) -> HttpResponse:
    context = {
        "found": found,
        "face": face(found.state),
        "style": render_to_string(STYLE),
        "script": render_to_string(SCRIPT),
    }
    response = render(request, "dashboard/unavailable.html", context, status=found.status)
    response["X-Seatrial-Preview"] = found.state  # the page asks for it, and reloads only when it has changed
    if found.retry_seconds:
        response["Retry-After"] = str(found.retry_seconds)
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or what the system says; the page comes back in it, without a flash."""
    back = request.POST.get("back", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    response = redirect(back)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            "theme", chosen, max_age=YEAR_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    return response


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component once, with its states."""
    groups = {
        "Environments": ["pending", "building", "running", "hibernating", "terminated"],
        "Deployments": ["queued", "building", "starting", "live", "failed", "superseded", "cancelled"],
        "Evaluations and results": [
            "queued", "passed", "failed", "errored", "timed_out", "superseded", "skipped",
        ],
        "Agents": ["online", "draining", "offline", "revoked"],
        "Deliveries": [
            "accepted", "rejected (signature)", "rejected (secret unavailable)", "rejected (parse)",
        ],
    }  # fmt: skip
    return render(request, "dashboard/styleguide.html", {"groups": groups})
