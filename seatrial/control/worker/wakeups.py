"""Turns PostgreSQL's NOTIFY into events that tasks wait for. A missed one only costs time: the next sweep finds it."""

import asyncio
from collections.abc import Iterable
from weakref import WeakSet

import psycopg
from psycopg import sql

from seatrial.control.conninfo import conninfo


class Waiter:
    """What one task waits on. A notification wakes every waiter of its channel."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._event.set()  # something may have happened before anybody listened

    def wake(self) -> None:
        """Wake the task, as a notification does."""
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for a notification since the last call (returns True), for at most `seconds`, if given (returns False)."""
        try:
            async with asyncio.timeout(seconds):  # Python 3.11's wait_for can lose a cancellation
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wakeups:
    """Wakes every waiter of a channel at start, on each notification, and after every (re)connection."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._waiters: dict[str, WeakSet[Waiter]] = {channel: WeakSet() for channel in channels}

    def waiter(self, channel: str) -> Waiter:
        """A new waiter for one of our channels. It is dropped when its task no longer refers to it."""
        waiter = Waiter()
        self._waiters[channel].add(waiter)
        return waiter

    def wake(self, channel: str) -> None:
        """Wake all waiters of `channel`, as a notification does."""
        for waiter in self._waiters[channel]:
            waiter.wake()

    async def listen(self) -> None:
        """Turn notifications into events, for ever. Raises when the database goes away; then start it again."""
        connection = await psycopg.AsyncConnection.connect(conninfo(), autocommit=True)
        async with connection:
            for channel in self._waiters:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            for channel in self._waiters:
                self.wake(channel)
            async for notification in connection.notifies():
                self.wake(notification.channel)
