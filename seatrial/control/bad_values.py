"""Values that PostgreSQL cannot hold (a NUL, a number too large) are the asker's mistake, not the server's."""

from typing import Any

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin


class BadValueMiddleware(MiddlewareMixin):
    """400 for pages; the REST API says the same in JSON."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The site's own error page."""
        if not isinstance(exception, DataError):
            return None
        handler: Any = get_resolver().resolve_error_handler(400)
        response: HttpResponse = handler(request, exception=exception)
        return response
