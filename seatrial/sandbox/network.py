"""What a sandbox on a network needs before its policy runs: resolvers, and the organisation's own authorities.

Both come from the host in the first frame, because nothing of the host is mounted here.
"""

import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seatrial.sandbox.frames import HEADER, Kind
from seatrial.sandbox.quarters import put_over

PRELOADED = "http.client ipaddress socket ssl urllib.request"
RESOLVERS = "/etc/resolv.conf"
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def settle(fd: int, *, mounts: bool) -> bool:
    """Read the frame from the host and obey it. Returns whether there is a network at all.

    `mounts`: the resolvers are put in place here; an ordinary container's are the engine's business.
    """
    kind, said = _frame(fd)
    if kind != Kind.NETWORK:
        raise SystemExit("a sandbox on a network was not told about it")
    if mounts:
        put_over(RESOLVERS, _file("resolv.conf", resolvers(said["servers"])))
    if said["authorities"]:
        path = _file("authorities.pem", said["authorities"])
        os.environ.update(dict.fromkeys(TRUST, path))
    return networked()


def resolvers(servers: list[str]) -> str:
    """The content of resolv.conf. Without a server, names do not resolve, and that is known at once: nobody else is asked."""
    return (
        "".join(f"nameserver {server}\n" for server in servers or ["127.0.0.1"])
        + "options timeout:3 attempts:2\n"
    )


def networked(names: Callable[[], list[tuple[int, str]]] = socket.if_nameindex) -> bool:
    """Whether there is an interface beside the loopback."""
    return any(name != "lo" for _, name in names())


def _file(name: str, content: str) -> str:
    """A file that every child may read and none may change."""
    path = Path(tempfile.gettempdir()) / name
    path.write_text(content)
    path.chmod(0o644)
    return str(path)


def _frame(fd: int) -> tuple[int, dict[str, Any]]:
    length, kind, _ = HEADER.unpack(_read(fd, HEADER.size))
    return kind, json.loads(_read(fd, length))


def _read(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(fd, min(size - len(data), 1 << 18))
        if not more:
            raise SystemExit("the host is gone")
        data += more
    return data
