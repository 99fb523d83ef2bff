"""Whoever interrupts a measurement finds nothing left of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def end_like_an_interrupt() -> None:
    """From now on SIGTERM raises KeyboardInterrupt in this process, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _raise)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Inside, this process and those it starts take no notice of interrupts."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
