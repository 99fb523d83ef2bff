"""The answers for a page that cannot be shown. `api` gives the same answers in JSON.

Django's own handlers would read the form of the request, to have a CSRF token that no error page of ours needs. A form that
cannot be read, such as one in UTF-7, would make them fail in turn.
"""

import sys

import structlog
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
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
            return bad_request(request, exception)
        if not isinstance(exception, ControlError):
            return None
        if handler := _HANDLERS.get(exception.status):
            return handler(request, exception)
        if exception.status >= 500:
            log.error("a page failed", path=request.path, code=exception.code, problem=str(exception))
        return render(None, "problem.html", {"error": exception}, status=exception.status)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for an unexpected exception. Django calls this while it handles that exception (`sys.exc_info`)."""
    error = unexpected(sys.exc_info()[1], request.path)
    return render(None, "500.html", {"reference": error.reference}, status=500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that cannot be read; also where its host is not known."""
    return render(None, "400.html", status=400)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what a role does not allow."""
    return render(request, "403.html", {"exception": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for an address without anything, or with something that is hidden."""
    return render(request, "404.html", status=404)


_HANDLERS = {400: bad_request, 403: not_allowed, 404: not_found}
