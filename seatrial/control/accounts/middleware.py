"""AccessDenied, raised anywhere under a page, becomes the page that says so."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin

from seatrial.control.accounts.access import AccessDenied


class AccessDeniedMiddleware(MiddlewareMixin):
    """404 where the thing is hidden from the person, 403 where they know of it."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The site's own error pages."""
        if not isinstance(exception, AccessDenied):
            return None
        handler: Any = get_resolver().resolve_error_handler(404 if exception.hidden else 403)
        response: HttpResponse = handler(request, exception=exception)
        return response
