"""How a room tells what it does while it does it."""

from collections.abc import Awaitable, Callable

Log = Callable[[str], Awaitable[None]]  # takes one line


async def quiet(_line: str) -> None:
    """A log nobody reads."""
