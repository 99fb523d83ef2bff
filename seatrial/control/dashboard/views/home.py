"""The start page: what needs you, what is in progress, what is live."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from seatrial.control.dashboard.live import watcher
from seatrial.control.dashboard.overview import fingerprint, home_context
from seatrial.control.dashboard.requests import signed_in
from seatrial.control.dashboard.streams import Watched, stream


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(request, "dashboard/home.html", {**home_context(signed_in(request)), "tab": "home"})


@require_GET
async def home_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    await watcher(request)
    return await stream(
        request,
        Watched(
            fingerprint,
            lambda user: render_to_string("dashboard/parts/home.html", home_context(user), request),
        ),
    )
