"""A bound on what comes before a request's body, in bytes and in time: the server has none of its own."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_BYTES = 64 * 1024
SECONDS = 20.0


class HeaderLimit(HttpToolsProtocol):
    """uvicorn's protocol for one connection, which ends one that goes on without getting anywhere.

    At most MAX_BYTES, and what one read brings, may come without completing a header or adding to a body (a line or a
    header without end, trailers, sizes of chunks): 431. A connection that has begun a request, or is new, has SECONDS to
    complete its header: 408. Between requests, and while a response is under way, uvicorn's own limits count.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle_bytes = 0
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Time runs from here."""
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """No time runs for what is gone."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count until the parser says that something is complete."""
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > MAX_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The first line of a request."""
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        """The request is the application's from here."""
        self._end()
        self._idle_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A body gets somewhere."""
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """So does its end."""
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
        """In as few words as HTTP allows: nothing is known of who asks for what. A response under way is cut off."""
        self._end()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()
