"""How urgent a request to a forge is. When requests run short, the less urgent ones wait first."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum


class Urgency(Enum):
    """Who asks. The value is the share of a connection's requests that is left to those who are more urgent."""

    LOOK = 0.2  # sweeps, lists, the hourly look at webhooks: later is as good
    FACTS = 0.1  # an evaluation waits for them
    REPORT = 0.0  # reports, and everything that a person or an agent waits for


_CURRENT: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.REPORT)


@contextmanager
def asking(urgency: Urgency) -> Iterator[None]:
    """Every request to a forge inside is as urgent as `urgency`, also in a thread that `sync_to_async` starts.

    Outside of any, requests are as urgent as a report: whoever only looks must say so.
    """
    token = _CURRENT.set(urgency)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Urgency:
    """The urgency of a request made here."""
    return _CURRENT.get()
