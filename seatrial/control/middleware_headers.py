"""The headers that Django's middleware gives to every answer, for answers that it does not see."""

from io import BytesIO

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from seatrial.control.body_limit import Scope

Headers = list[tuple[bytes, bytes]]
OF_THE_CONTENT = frozenset({"content-type", "content-length"})


class MiddlewareHeaders:
    """Has the middleware answer once for each scheme, and remembers the headers."""

    def __init__(self) -> None:
        self._known: dict[str, Headers] = {}

    def of(self, scope: Scope) -> Headers:
        """Those of an answer to a request with this scheme and to this host, which must be one of ours."""
        scheme = scope["scheme"]
        if scheme not in self._known:
            host = [(name, value) for name, value in scope["headers"] if name == b"host"]
            self._known[scheme] = _asked(ASGIRequest({**scope, "headers": host}, BytesIO()))
        return self._known[scheme]


def _asked(request: HttpRequest) -> Headers:
    def answer(_request: HttpRequest) -> HttpResponseBase:
        return HttpResponse()

    for name in reversed(settings.MIDDLEWARE):
        answer = import_string(name)(answer)
    headers = answer(request).headers.items()
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if name.lower() not in OF_THE_CONTENT
    ]
