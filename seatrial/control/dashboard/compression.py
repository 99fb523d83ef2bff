"""Pages, styles and scripts, compressed on their way out."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSIBLE = ("text/html", "text/css", "text/javascript", "application/json", "image/svg+xml", "text/plain")


class CompressionMiddleware(GZipMiddleware):
    """Django's, for whole answers of compressible kinds. Event streams must leave at once, so they stay as they are."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress, or hand on."""
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if response.status_code == 206 or kind not in COMPRESSIBLE:
            return response
        return super().process_response(request, response)
