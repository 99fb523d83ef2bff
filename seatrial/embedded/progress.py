"""Progress events of a start: beginnings and ends of steps, and notes."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from pydantic import BaseModel


class Event(BaseModel):
    """One line of progress. `already_runs`, `failed` and `ready` are always the last."""

    kind: Literal["begin", "end", "note", "already_runs", "failed", "ready"]
    text: str
    seconds: float = 0.0
    fix: str = ""


class Listener(Protocol):
    """Takes each event as it happens; must not raise."""

    def __call__(self, event: Event) -> None:
        """Show the event, or pass it on."""


@contextmanager
def step(tell: Listener, text: str) -> Iterator[None]:
    """Report that `text` begins and, if it succeeds, how long it took."""
    started = time.monotonic()
    tell(Event(kind="begin", text=text))
    yield
    tell(Event(kind="end", text=text, seconds=round(time.monotonic() - started, 2)))


def to_pipe(descriptor: int) -> Listener:
    """A listener that writes events as JSON lines to a pipe. It does not matter if the reader has gone."""

    def tell(event: Event) -> None:
        try:
            os.write(descriptor, event.model_dump_json().encode() + b"\n")
        except OSError:
            return

    return tell


def parse(line: str) -> Event | None:
    """The event in one JSON line, or None if the line holds none."""
    try:
        return Event.model_validate(json.loads(line))
    except ValueError:
        return None
