"""Finds ports for programs that will listen on the loopback later, and again on the same port after a restart."""

import contextlib
import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")  # "32768	60999"
_WIDTH = 15_000


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
    """A port that nobody listens on, drawn by chance.

    Below those that the kernel gives to outgoing connections: one of them could take the port of a program that is about to
    listen or is started again, and a client that tries such a port on its own machine may even connect to itself.
    """
    above = _first_outgoing()
    return next(port for port in iter(lambda: above - 1 - secrets.randbelow(_WIDTH), None) if is_free(port))


def _first_outgoing() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        if (first := int(_OUTGOING.read_text().split()[0])) > _WIDTH + 1024:
            return first
    return 32_768
