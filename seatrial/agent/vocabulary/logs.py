"""Callbacks for log lines of work in progress."""

from collections.abc import Awaitable, Callable

Log = Callable[[str], Awaitable[None]]  # takes one line


async def quiet(_line: str) -> None:
    """Discards the line."""
