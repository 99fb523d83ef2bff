"""The repositories that connections reach, read from their forges page by page, as far as somebody looks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from seatrial.control.forges.connected import OF_WEB, Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import ForgeRepository
from seatrial.control.projects.models import Connection

KEPT_SECONDS = 300.0


@dataclass(frozen=True)
class Found:
    """Some repositories in the forge's order. `more`: there are others behind them. `problem`: why the rest is unknown."""

    repositories: list[ForgeRepository]
    more: bool
    problem: str = ""


class Listing:
    """One connection's repositories without archived ones. Thread-safe: one thread reads, others wait for what it reads."""

    def __init__(self, source: Iterator[ForgeRepository]) -> None:
        self.begun = time.monotonic()
        self.error: ForgeError | None = None
        self._source = source
        self._read: list[ForgeRepository] = []
        self._lock = Lock()

    def find(self, search: str, start: int, count: int) -> Found:
        """`count` of those whose full name contains `search`, beginning with number `start` of them.

        Reads on from the forge until they are found or all is read. Asking again for what was read sends no request.
        """
        wanted = search.strip().casefold()
        matches: list[ForgeRepository] = []
        with self._lock:
            for one in self._all():
                if wanted in one.full_name.casefold():
                    matches.append(one)
                if len(matches) > start + count:
                    break
            problem = str(self.error) if self.error is not None else ""
        return Found(matches[start : start + count], len(matches) > start + count, problem)

    def _all(self) -> Iterator[ForgeRepository]:
        yield from list(self._read)
        try:
            for one in self._source:
                if not one.archived:
                    self._read.append(one)
                    yield one
        except ForgeError as error:
            self.error = error


@dataclass
class Listings:
    """A listing per connection, kept for KEPT_SECONDS so that searching as somebody types does not ask for all again.

    One per process. A listing that failed is only kept if asking again could not help.
    """

    forges: Forges
    _kept: dict[str, tuple[datetime, Listing]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, connection: Connection, *, afresh: bool = False) -> Listing:
        """The listing of `connection`; `afresh`: begin at the forge again. Sends no request. Raises ForgeError."""
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if not _over(kept[1])}
            changed_at, listing = self._kept.get(connection.pk, (None, None))
            if listing is None or afresh or changed_at != connection.updated_at:
                listing = Listing(self.forges.hosted(connection).repositories())
                self._kept[connection.pk] = (connection.updated_at, listing)
            return listing


def _over(listing: Listing) -> bool:
    failed = listing.error is not None and not listing.error.permanent
    return failed or time.monotonic() - listing.begun > KEPT_SECONDS


LISTINGS_OF_WEB = Listings(OF_WEB)
