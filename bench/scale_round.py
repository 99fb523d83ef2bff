"""Rounds of the reconciler for `bench.scale`, in its own process. To be imported once Django is set up."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from bench import scale_rows as rows
from seatrial.control.bus import Bus
from seatrial.control.worker.database import Database
from seatrial.control.worker.reconcile import Reconciler


class Counting(Database):
    """Counts the queries of all its threads."""

    queries = 0

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """As `Database.run`."""

        def work() -> Any:
            with rows.counted() as made:
                result = function(*args, **kwargs)
            self.queries += made()
            return result

        return await super().run(work)


async def rounds() -> dict[str, tuple[str, float]]:
    """What the first round of a worker costs, and one after it."""
    bus, database = await Bus.connect(settings.CONFIGURATION, name="bench"), Counting(2)
    found: dict[str, tuple[str, float]] = {}
    try:
        reconciler = Reconciler(database, bus, asyncio.Event())
        for name in ("first reconcile", "reconcile"):
            database.queries = 0
            used, began = time.process_time(), time.monotonic()
            await reconciler.once()
            found[f"{name}, CPU"] = ("ms", (time.process_time() - used) * 1000)
            found[f"{name}, time"] = ("ms", (time.monotonic() - began) * 1000)
            found[f"{name}, queries"] = ("", database.queries)
    finally:
        await bus.close()
        await asyncio.to_thread(database.close)
    return found
