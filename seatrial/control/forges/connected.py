"""The forges of this process: one object per connection, for as long as its row stays as it is."""

from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import Forge
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

    The same row is the same object, so that everybody shares its budget and its ETags. A row that was saved since (a
    new credential, another address) is bound anew; whoever still has the old object may finish with it. A row that
    somebody read before the change gets what the newer row was bound to.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._bound: dict[str, _Bound] = {}

    def of(self, connection: Connection) -> Forge:
        """The forge of `connection`. Asks nobody.

        Raises NoSuchForge, and ForgeError when the connection's credential cannot be opened.
        """
        with self._lock:
            known = self._bound.get(connection.pk)
            if known is None or _changed(known, connection):
                known = _Bound(connection.updated_at, connection.base_url, _bind(connection))
                self._bound[connection.pk] = known
            return known.forge


def _changed(known: _Bound, connection: Connection) -> bool:
    if connection.updated_at != known.updated_at:
        return connection.updated_at > known.updated_at
    return connection.base_url != known.base_url


def _bind(connection: Connection) -> Forge:
    try:
        return registered(connection.forge).bind(connection)
    except VaultError as error:
        raise ForgeError(f"The credential of {connection} cannot be opened: {error}") from error
