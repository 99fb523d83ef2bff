"""The answers for a page that cannot be shown. `api` gives the same answers in JSON."""

import sys

import structlog
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_resolver
from django.utils.deprecation import MiddlewareMixin

from seatrial.control.database_errors import AWAY, log_away
from seatrial.control.errors import ControlError, unexpected

log = structlog.get_logger(__name__)


class ErrorPagesMiddleware(MiddlewareMixin):
    """The page for each error of ours, for a value the database cannot hold, and for a database that is away."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The error page; None for an unexpected exception, which Django passes to `server_error`."""
        if isinstance(exception, AWAY):
            log_away(request, exception)
            return render(None, "503.html", status=503)
        if isinstance(exception, DataError):
            return _page(request, 400, exception)
        if not isinstance(exception, ControlError):
            return None
        if exception.status in {400, 403, 404}:
            return _page(request, exception.status, exception)
        if exception.status >= 500:
            log.error("a page failed", path=request.path, code=exception.code, problem=str(exception))
        return render(None, "problem.html", {"error": exception}, status=exception.status)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for an unexpected exception. Django calls this while it handles that exception (`sys.exc_info`)."""
    error = unexpected(sys.exc_info()[1], request.path)
    return render(None, "500.html", {"reference": error.reference}, status=500)


def _page(request: HttpRequest, status: int, error: Exception) -> HttpResponse:
    handler = get_resolver().resolve_error_handler(status)
    response: HttpResponse = handler(request, exception=error)  # type: ignore[call-arg]
    return response
