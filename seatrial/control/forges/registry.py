"""Which implementation speaks to which kind of forge: the one place a new forge is named in."""

from collections.abc import Callable, Mapping

from seatrial.control.forges.errors import NoSuchForge
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.protocol import Forge
from seatrial.control.projects.models import Connection, ForgeKind

FORGES: Mapping[str, Callable[[], Forge]] = {ForgeKind.LOCAL: LocalForge}


def forge_of(connection: Connection) -> Forge:
    """The implementation for a connection. Raises NoSuchForge for a kind this release does not speak to."""
    make = FORGES.get(connection.forge)
    if make is None:
        raise NoSuchForge(
            f"This release does not speak to {ForgeKind(connection.forge).label} yet: {connection}"
        )
    return make()
