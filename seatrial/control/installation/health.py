"""The health check."""

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the web process and its database answer, 503 otherwise. Needs no sign-in and says nothing more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return JsonResponse({"status": "unavailable", "message": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok"})
