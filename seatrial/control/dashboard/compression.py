"""Pages, styles and scripts, compressed on their way out."""

from collections.abc import AsyncIterator, Iterable

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSIBLE = ("text/html", "text/css", "text/javascript", "application/json", "image/svg+xml")


class CompressionMiddleware(GZipMiddleware):
    """Django's middleware, for complete answers of compressible kinds. Streams are not compressed."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the response, or return it as it is."""
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if response.status_code != 206 and kind in COMPRESSIBLE:
            response = super().process_response(request, response)
        if isinstance(response, StreamingHttpResponse) and isinstance(request, ASGIRequest):
            _serve_asynchronously(response)
        return response


def _serve_asynchronously(response: StreamingHttpResponse) -> None:
    """Static files come as synchronous iterators, which Django's ASGI handler reads with a warning."""
    if not response.is_async:
        response.streaming_content = _one_by_one(response.streaming_content)  # type: ignore[arg-type]


async def _one_by_one(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
