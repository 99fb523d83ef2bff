"""The choice between light, dark, and what the visitor's system prefers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEMES = {"light", "dark", "auto"}
YEAR_SECONDS = 31_536_000


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie, so that pages are rendered in it from the start, and show the page again."""
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
