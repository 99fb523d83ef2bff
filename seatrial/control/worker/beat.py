"""The worker's beat: a file that is written anew while the worker does its work, for `control.healthy`."""

import asyncio
from pathlib import Path

from django.db import connection

from seatrial import files
from seatrial.control.worker.database import Database

EVERY_SECONDS = 10.0


async def beat(database: Database, file: Path) -> None:
    """Write `file` anew while the event loop and the database's threads do their work and the database answers, for ever.

    Raises OSError, and what the database raises when it does not answer; then start it again.
    """
    while True:
        await database.run(_ask)
        files.replace(file, "")
        await asyncio.sleep(EVERY_SECONDS)


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
