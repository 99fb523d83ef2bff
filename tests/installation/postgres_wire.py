"""A server that speaks just enough of PostgreSQL's protocol to refuse, or to let somebody in and say who it is."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat


@contextmanager
def answering(
    address: str, port: int, *, refusal: str = "", identifier: str = "", starting: int = 0
) -> Iterator[None]:
    """Listen there; refuse everybody with this message, or let everybody in as the cluster with this identifier.

    The first `starting` clients are told that it only starts.
    """
    with socket.create_server((address, port)) as listener:
        answers = chain(repeat("the database system is starting up", starting), repeat(refusal))
        thread = threading.Thread(target=_accept, args=(listener, answers, identifier), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(60)


def _accept(listener: socket.socket, refusals: Iterator[str], identifier: str) -> None:
    for refusal in refusals:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            _serve(client, refusal, identifier)


def _serve(client: socket.socket, refusal: str, identifier: str) -> None:
    while (code := _startup(client)) == 80877103 or code == 80877104:  # wants TLS or GSSAPI
        client.sendall(b"N")
    if refusal:
        client.sendall(_message(b"E", b"SFATAL\0VFATAL\0C28P01\0M" + refusal.encode() + b"\0\0"))
        return
    ready = _message(b"Z", b"I")
    client.sendall(_message(b"R", struct.pack("!i", 0)) + ready)
    while kind := client.recv(1):
        client.recv(struct.unpack("!i", client.recv(4))[0] - 4, socket.MSG_WAITALL)
        if kind == b"Q":
            value = identifier.encode()
            column = b"system_identifier\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
            row = struct.pack("!hi", 1, len(value)) + value
            told = _message(b"T", struct.pack("!h", 1) + column) + _message(b"D", row)
            client.sendall(told + _message(b"C", b"SELECT 1\0") + ready)
        elif kind == b"X":
            return


def _startup(client: socket.socket) -> int:
    length, code = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
    client.recv(length - 8, socket.MSG_WAITALL)
    return int(code)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
