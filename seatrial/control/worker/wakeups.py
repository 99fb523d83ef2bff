"""PostgreSQL's NOTIFY, as events that tasks wait for. A missed one only costs the sweep interval."""

import asyncio
from collections.abc import Iterable

import psycopg
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo


class Wakeups:
    """One event per channel, set at start, on each notification, and after every (re)connection."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._events = {channel: asyncio.Event() for channel in channels}

    def wake(self, channel: str) -> None:
        """As a notification would."""
        self._events[channel].set()

    async def wait(self, channel: str, seconds: float) -> bool:
        """Return when something was notified since the last call (True), or after `seconds`."""
        event = self._events[channel]
        try:
            async with asyncio.timeout(seconds):  # Python 3.11's wait_for can lose a cancellation
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    async def listen(self) -> None:
        """Turn notifications into events, for ever. Raises when the database goes away: start it again."""
        connection = await psycopg.AsyncConnection.connect(_conninfo(), autocommit=True)
        async with connection:
            for channel in self._events:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            for event in self._events.values():
                event.set()
            async for notification in connection.notifies():
                self._events[notification.channel].set()


def _conninfo() -> str:
    """Django's own connection parameters, as libpq knows them."""
    settings = connections["default"].settings_dict
    names = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    return make_conninfo(
        **{theirs: str(settings[ours]) for ours, theirs in names.items() if settings.get(ours)}
    )
