"""AccessDenied and NotFound, raised anywhere under a page, become the page that says so."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin

from seatrial.control.accounts.access import AccessDenied
from seatrial.control.answers import NotFound


class AccessDeniedMiddleware(MiddlewareMixin):
    """404 where the thing is hidden from the person, 403 where they know of it."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The site's own error pages."""
        if isinstance(exception, AccessDenied):
            status = 404 if exception.hidden else 403
        elif isinstance(exception, NotFound):
            status = 404
        else:
            return None
        handler: Any = get_resolver().resolve_error_handler(status)
        response: HttpResponse = handler(request, exception=exception)
        return response
