"""Chooses the platform's ports. People choose the two visible ones; for the others, free ports are found and remembered."""

import contextlib

import psutil

from seatrial.embedded.errors import PortTaken
from seatrial.embedded.typed import typed
from seatrial.ports import find_free, is_free


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
