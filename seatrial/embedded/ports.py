"""Chooses the platform's ports. People choose the two visible ones; for the others, free ports are found and remembered."""

import contextlib
import socket

import psutil

from seatrial.embedded.errors import PortTaken
from seatrial.embedded.typed import typed

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether we could listen on `port` of the loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def find_free() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> str:
    """`name (pid 123)` of the process that listens on `port`, or an empty string when this user may not know."""
    with contextlib.suppress(psutil.Error, PermissionError):
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def require_free(port: int, *, purpose: str, flag: str, variable: str) -> None:
    """Raise PortTaken, naming the port, the process that has it, and how to choose another."""
    if is_free(port):
        return
    other = find_free()
    raise PortTaken(
        f"port {port} ({purpose}) is taken by {holder(port) or 'another program'}.",
        fix=f"Choose another: {typed('up', flag, str(other))} (or {variable}={other})",
    )
