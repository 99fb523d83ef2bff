"""Reaching the bus, the same way on both sides: any of several servers, with TLS where the address says so."""

from typing import Any

from nats.aio import client
from nats.errors import Error


class NoTLS(Error):
    """The server behind a `tls://` address offers no TLS. Nothing was said to it."""


class Client(client.Client):
    """The bus's client, which says nothing to a server of a `tls://` address before TLS is agreed on.

    The client of the library takes a server's word that it has no TLS, so whoever sits in between could have everything
    in plain.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        server = self._current_server
        if initial_connection and server and server.uri.scheme == "tls" and not info.get("tls_required"):
            raise NoTLS(
                f"{server.uri.hostname} offers no TLS. Give the bus a certificate (docs/install/fleet.md)"
            )
        await super()._process_info(info, initial_connection)


def servers(addresses: str) -> list[str]:
    """Every server of a list with commas between. The client goes to another one when its own is gone."""
    return [one for one in map(str.strip, addresses.split(",")) if one]
