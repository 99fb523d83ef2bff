"""Limits the bytes and the seconds before a request's body: uvicorn with httptools has no such limit."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_BYTES = 64 * 1024
SECONDS = 20.0


class HeaderLimit(HttpToolsProtocol):
    """uvicorn's protocol for one connection, which closes a connection that makes no progress.

    A client may send MAX_BYTES, plus what one read returns, without completing a header or adding to a body; more (a line or a
    header without end, trailers, sizes of chunks) is answered with 431. After connecting, and after the first byte of a further
    request, it has SECONDS to complete the header, or is answered with 408. Between requests, uvicorn's own time limit counts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_bytes = 0
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the time limit."""
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limit."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count bytes; the callbacks below set the count to zero."""
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > MAX_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins: start the time limit."""
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        """The header is complete: cancel the time limit."""
        self._end()
        self._idle_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Bytes of a body are progress."""
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """So is the end of a request."""
        self._idle_bytes = 0
        super().on_message_complete()

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer with the status alone, and close. If a response is in progress, it is cut off."""
        self._end()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
