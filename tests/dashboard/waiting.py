"""Functions that wait for an event; their time limit only ends a wait for an event that never comes."""

import time
from collections.abc import Callable, Iterator

WAIT_SECONDS = 180.0


def comes_true(what: Callable[[], object]) -> None:
    """Return when `what` is true; fail when it never is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def until_told(parts: Iterator[str]) -> None:
    """Read a stream until it has sent its first content: its first poll is done, and it continues."""
    text = ""
    while "\n\ndata:" not in text:  # an event without a name: what is swapped in
        text += next(parts)


def ends(parts: Iterator[str]) -> None:
    """Read a stream to its end. A stream that does not end would send a line every fifteen seconds."""
    still_here = 0
    for part in parts:
        still_here += part.count(": still here")
        assert still_here < 2, "the stream does not end"
