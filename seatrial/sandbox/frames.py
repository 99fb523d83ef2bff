"""The frames on every pipe of the sandbox: 4 bytes length, 1 byte kind, 2 bytes channel, then JSON.

The host keeps its own copy of this format (it must not import what runs inside); a test compares the two.
Channel 0 is the warden itself, channel n the n-th child.
"""

import json
import struct
from enum import IntEnum
from typing import Any, NamedTuple

HEADER = struct.Struct("!IBH")


class Kind(IntEnum):
    """The kind of a frame, and its sender: H the host, W the warden (the program's first process), C a child."""

    HELLO = 1  # W: the child on this channel waits for a policy
    RUN = 2  # H: run this policy
    ASK = 3  # C: a question about the project; one at a time
    ANSWER = 4  # H: its answer
    LOG = 5  # C: a line the policy logged
    RESULT = 6  # C: what the policy returned or raised; a child's last frame
    ENDED = 7  # W: the child has ended; how, after how long, and what it printed
    NETWORK = 8  # H: what a sandbox on a network needs; the first frame to it, and none to others
    STOP = 9  # H: end this child now, whatever it does


FROM_CHILD = frozenset({Kind.ASK, Kind.LOG, Kind.RESULT})


class Frame(NamedTuple):
    """One frame. `body` is JSON that is not parsed yet."""

    kind: int
    channel: int
    body: bytes


class MalformedFrame(Exception):
    """The other side violates the format."""


def encode(kind: Kind, channel: int, value: Any) -> bytes:
    """The bytes of one frame."""
    return pack(kind, channel, json.dumps(value, separators=(",", ":")).encode())


def pack(kind: int, channel: int, body: bytes) -> bytes:
    """The bytes of one frame whose body is JSON already."""
    return HEADER.pack(len(body), kind, channel) + body


class Decoder:
    """Cuts a stream of bytes into frames; never holds more than one frame above `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that were read from the pipe."""
        self._buffer += data

    def next(self) -> Frame | None:
        """The next complete frame, or None. Raises MalformedFrame if it would exceed the limit."""
        if len(self._buffer) < HEADER.size:
            return None
        length, kind, channel = HEADER.unpack_from(self._buffer)
        if length > self.limit:
            raise MalformedFrame(f"a frame of {length:,} bytes; the limit is {self.limit:,}")
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        return Frame(kind, channel, body)
