"""The host's copy of the sandbox's frame format: 4 bytes length, 1 byte kind, 2 bytes channel, then JSON.

A copy, because the host must not import what runs inside; tests/sandboxes/test_frames.py compares the two.
Whatever comes out of a sandbox is hostile until `read_json` and the validation have looked at it.
"""

import json
import struct
from enum import IntEnum
from typing import Any, NamedTuple

HEADER = struct.Struct("!IBH")


class Kind(IntEnum):
    """The kind of a frame. `seatrial/sandbox/frames.py` says which side sends which."""

    HELLO = 1
    RUN = 2
    ASK = 3
    ANSWER = 4
    LOG = 5
    RESULT = 6
    ENDED = 7
    NETWORK = 8
    STOP = 9


class Frame(NamedTuple):
    """One frame. `body` is not parsed yet."""

    kind: int
    channel: int
    body: bytes


class FrameError(Exception):
    """The sandbox violated the format or exceeded a limit; nothing more is read from it."""


def encode(kind: Kind, channel: int, value: Any) -> bytes:
    """The bytes of one frame."""
    return pack(kind, channel, body_of(value))


def body_of(value: Any) -> bytes:
    """The value as the body of a frame."""
    return json.dumps(value, separators=(",", ":")).encode()


def pack(kind: Kind, channel: int, body: bytes) -> bytes:
    """The bytes of one frame with this body."""
    return HEADER.pack(len(body), kind, channel) + body


def read_json(body: bytes) -> Any:
    """The value in a body. Raises FrameError for anything but plain JSON, and for NaN or nesting that is too deep."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


class Decoder:
    """Cuts a stream into frames, with a cap for one frame and one for all of them together."""

    def __init__(self, frame_limit: int, total_limit: int) -> None:
        self._frame_limit = frame_limit
        self._left = total_limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Every frame that is complete now. Raises FrameError if a limit is exceeded."""
        self._left -= len(data)
        if self._left < 0:
            raise FrameError("the sandbox sent more than it may in one evaluation")
        self._buffer += data
        frames = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            length, kind, channel = HEADER.unpack_from(self._buffer, start)
            if length > self._frame_limit:
                raise FrameError(f"a frame of {length:,} bytes; the limit is {self._frame_limit:,}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(Frame(kind, channel, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
