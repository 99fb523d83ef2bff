"""The errors of a database that does not answer, which usually passes by itself."""

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

log = structlog.get_logger(__name__)

# Connections refused, cut or used up; servers that start, stop or have no room. All of it may pass by itself.
AWAY = (OperationalError, InterfaceError)


def log_away(request: HttpRequest, error: Exception) -> None:
    """Log one line for the request, without a traceback."""
    reason = " ".join(str(error).split())[:200]
    log.error("the database does not answer", path=request.path, reason=reason)
