"""The forges of this process: one object per connection, which is replaced when the connection's row changes."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock

from seatrial.control.forges.budgets import Stored
from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.protocol import Budgeted, Forge, HostedForge
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError


@dataclass(frozen=True)
class _Bound:
    updated_at: datetime
    base_url: str
    forge: Forge


class Forges:
    """Hands out forges bound to their connections. Thread-safe; one per process, made where the process starts.

    For the same row everybody gets the same object, and so shares its ETags. Its budget is shared with every process. After the row was saved (a
    new credential, another address) there is a new object; whoever still has the old one may finish with it. Whoever
    asks with a row that they read before the change gets the new object.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._bound: dict[str, _Bound] = {}

    def of(self, connection: Connection) -> Forge:
        """The forge of `connection`. Sends no request.

        Raises NoSuchForge, and ForgeError when the connection's credential cannot be opened.
        """
        with self._lock:
            known = self._bound.get(connection.pk)
            if known is None or _changed(known, connection):
                known = _Bound(connection.updated_at, connection.base_url, _bind(connection))
                self._bound[connection.pk] = known
            return known.forge

    def hosted(self, connection: Connection) -> HostedForge:
        """The same as `of`, for what only forges on servers of their own do. Raises UnfitConnection for all others."""
        return hosted(self.of(connection), connection)


# For requests from pages and REST: they share one budget and one memory of answers in each web process.
OF_WEB = Forges()


def hosted(forge: Forge, connection: Connection) -> HostedForge:
    """`forge`, if it is on a server of its own. Raises UnfitConnection."""
    if not isinstance(forge, HostedForge):
        raise UnfitConnection(f"{connection} is on this server: it has no accounts, webhooks and comments.")
    return forge


def _changed(known: _Bound, connection: Connection) -> bool:
    if connection.updated_at != known.updated_at:
        return connection.updated_at > known.updated_at
    return connection.base_url != known.base_url


def _bind(connection: Connection) -> Forge:
    try:
        forge = registered(connection.forge).bind(connection)
    except VaultError as error:
        raise ForgeError(f"The credential of {connection} cannot be opened: {error}") from error
    if isinstance(forge, Budgeted):
        forge.allowances.share(partial(Stored, connection.pk))
    return forge
