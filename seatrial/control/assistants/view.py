"""The door of /mcp: who is let in, before the protocol is spoken.

What speaks it takes seconds and megabytes to import, so that happens for the first assistant that comes.
"""

from importlib import import_module

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import ApiToken
from seatrial.control.answers import error_body
from seatrial.control.assistants.pace import seconds_to_wait
from seatrial.control.database_errors import AWAY, log_away
from seatrial.control.errors import ControlError
from seatrial.wire.counted import counted

BEARER = "Bearer "


class _TurnedAway(ControlError):
    code = "turned_away"

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.response = JsonResponse(error_body(code, message), status=status, headers=headers)


@csrf_exempt  # no session is looked at: only a token lets anybody in
async def mcp(request: HttpRequest) -> HttpResponse:
    """Answer an assistant with a token that has scopes. Browsers of other sites are turned away, whatever they hold."""
    try:
        _require_ours(request)
        token = await sync_to_async(_token)(request)
    except _TurnedAway as refusal:
        return refusal.response
    except AWAY as error:
        log_away(request, error)
        message = "The database does not answer. Ask again in a moment."
        return JsonResponse(error_body("unavailable", message), status=503)
    request.user, request.auth = token.user, token  # type: ignore[attr-defined]
    serving = await sync_to_async(import_module, thread_sensitive=False)(
        "seatrial.control.assistants.serving"
    )
    answer: HttpResponse = await serving.serve(request)
    return answer


def _require_ours(request: HttpRequest) -> None:
    """The host is one of ours already: Django's middleware looks at that. A page that a browser loaded elsewhere names its origin."""
    request.get_host()
    origin = request.headers.get("Origin")
    if origin is not None and origin != settings.SITE_URL:
        raise _TurnedAway(403, "wrong_origin", "Pages of other sites may not ask here.")
    if request.method != "POST":
        message = "This address is for coding assistants (MCP): they POST. The page /tokens says how to connect one."
        raise _TurnedAway(405, "method_not_allowed", message, Allow="POST")


def _token(request: HttpRequest) -> ApiToken:
    proof = request.headers.get("Authorization", "")
    row = tokens.find(proof.removeprefix(BEARER).strip()) if proof.startswith(BEARER) else None
    if row is None:
        message = "Send a token that is valid: Authorization: Bearer sea_... The page /tokens makes one."
        raise _TurnedAway(401, "not_authenticated", message, **{"WWW-Authenticate": "Bearer"})
    if not row.scopes:
        message = "This token has no scopes: it may do everything that its person may, and never expires by itself. Make one with scopes on the page /tokens."
        raise _TurnedAway(403, "scopes_missing", message)
    if wait := seconds_to_wait(row.pk):
        message = f"This token has asked too often. Ask again in {counted(wait, 'second')}."
        raise _TurnedAway(429, "too_many_requests", message, **{"Retry-After": str(wait)})
    return row
