"""Answers requests whose views wait for nothing but the database, quickly."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class InOneThread(ASGIHandler):
    """Django, with all middleware and the view in one call in the request's thread.

    Django's own handler changes between the loop and that thread for each middleware, a dozen times for a webhook. The
    middleware, the view and their order are the same. Not for views that stream or are asynchronous.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Load it for synchronous calls, whatever the caller wants."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> Any:
        """The answer to `request`."""

        def get_response() -> HttpResponseBase:
            return self.get_response(request)

        return await sync_to_async(get_response, thread_sensitive=True)()
