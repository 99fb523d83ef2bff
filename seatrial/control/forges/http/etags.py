"""Answers that the forge need not send again while its ETag says that they are the same."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import httpx

OF_THE_BODY = frozenset({b"content-type", b"content-encoding", b"content-length", b"transfer-encoding"})


@dataclass(frozen=True)
class Kept:
    """An answer and its ETag. Shared between threads."""

    etag: str
    response: httpx.Response

    def answer(self, confirmed: httpx.Response) -> httpx.Response:
        """The answer again, with the headers of the 304 that `confirmed` it: a credential's rights are in headers."""
        newer = [(name, value) for name, value in confirmed.headers.raw if name.lower() not in OF_THE_BODY]
        replaced = {name.lower() for name, _ in newer}
        older = [(name, value) for name, value in self.response.headers.raw if name.lower() not in replaced]
        return httpx.Response(
            self.response.status_code,
            headers=[*older, *newer],
            content=self.response.content,
            request=confirmed.request,
        )


class Etags:
    """The `most` answers that were used last, by address. Thread-safe."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def get(self, address: str) -> Kept | None:
        """The answer that was kept for `address`."""
        with self._lock:
            kept = self._kept.get(address)
            if kept is not None:
                self._kept.move_to_end(address)
            return kept

    def keep(self, address: str, etag: str, response: httpx.Response) -> None:
        """Keep an answer. Above `most`, the least recently used one is dropped."""
        with self._lock:
            self._kept[address] = Kept(etag, response)
            self._kept.move_to_end(address)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
