"""How many visitors have been connected to services for a while: websockets, streams of events, long downloads.

The ingress keeps connections that nobody uses for five seconds. So a connection that is there in two looks, further apart than
that, is one that somebody uses.
"""

import time
from collections.abc import Iterable
from pathlib import Path

APART_SECONDS = 8.0
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
Connection = tuple[str, str]  # this host's end and the service's, as the kernel writes them


class Streams:
    """What one environment's services were connected to at the last look."""

    def __init__(self, tables: Iterable[Path] = TABLES) -> None:
        self._tables = tuple(tables)
        self._seen: dict[Connection, float] = {}

    def count(self, endpoints: Iterable[str]) -> int:
        """How many connections from this host to `endpoints` have been open since an earlier look."""
        now = time.monotonic()
        wanted = {hexadecimal(endpoint) for endpoint in endpoints}
        there = {pair for pair in self._established() if pair[1] in wanted}
        self._seen = {pair: self._seen.get(pair, now) for pair in there}
        return sum(now - since >= APART_SECONDS for since in self._seen.values())

    def _established(self) -> Iterable[Connection]:
        for table in self._tables:
            try:
                lines = table.read_text().splitlines()[1:]
            except OSError:
                continue
            for _, own, other, state, *_ in map(str.split, lines):
                if state == _ESTABLISHED:
                    yield own, _plain(other)


def hexadecimal(endpoint: str) -> str:
    """`http://172.18.0.2:80` as the kernel writes it: the address in the order of its own bytes."""
    host, _, port = endpoint.rpartition("://")[2].rstrip("/").rpartition(":")
    try:
        parts = [int(part) for part in host.split(".")]
    except ValueError:  # a name, or an address of IPv6: nobody is counted there
        return ""
    return "".join(f"{part:02X}" for part in reversed(parts)) + f":{int(port):04X}"


def _plain(address: str) -> str:
    """An IPv4 address within IPv6 as the address that it is."""
    return address.removeprefix("0000000000000000FFFF0000")
