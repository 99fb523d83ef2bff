"""Waiting for what takes as long as it takes; the limit is only there for what never comes."""

import time
from collections.abc import Callable, Iterator

WAIT_SECONDS = 60.0


def comes_true(what: Callable[[], object]) -> None:
    """Return when `what` is true; fail when it never is."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def until_told(parts: Iterator[str]) -> None:
    """Read a stream until it has told what it shows: its first poll is done, and it goes on."""
    text = ""
    while "\n\ndata:" not in text:  # an event without a name: what is swapped in
        text += next(parts)


def ends(parts: Iterator[str]) -> None:
    """Read a stream to its end. One that goes on would tell every fifteen seconds that it is still here."""
    still_here = 0
    for part in parts:
        still_here += part.count(": still here")
        assert still_here < 2, "the stream does not end"
