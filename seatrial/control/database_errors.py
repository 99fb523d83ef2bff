"""What the database refuses is the asker's mistake (a NUL, a number too large); a database that is away is nobody's."""

from typing import Any

import structlog
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin

log = structlog.get_logger(__name__)

# Connections refused, cut or used up; servers that start, stop or have no room. All of it may pass by itself.
AWAY = (OperationalError, InterfaceError)


def log_away(request: HttpRequest, error: Exception) -> None:
    """One line, not a traceback per request."""
    reason = " ".join(str(error).split())[:200]
    log.error("the database does not answer", path=request.path, reason=reason)


class DatabaseErrorMiddleware(MiddlewareMixin):
    """400 and 503 for pages; the REST API says the same in JSON."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The site's own error pages."""
        if isinstance(exception, AWAY):
            log_away(request, exception)
            return render(None, "503.html", status=503)
        if not isinstance(exception, DataError):
            return None
        handler: Any = get_resolver().resolve_error_handler(400)
        response: HttpResponse = handler(request, exception=exception)
        return response
