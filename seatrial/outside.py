"""Tries to reach the public internet, to prove that it cannot be reached. Nothing is sent over a connection that is opened.

The one thing that ignores AIRGAPPED. Where to look is fixed (`wire.hosts.OUTSIDE`), so that it is of no use for anything else.
"""

import asyncio

from seatrial.wire.hosts import MOST_TEXT, OUTSIDE, OUTSIDE_SECONDS, Attempt, address


async def tried() -> list[Attempt]:
    """An attempt for each address of OUTSIDE, all at the same time."""
    return list(await asyncio.gather(*(_tried(host, port) for host, port in OUTSIDE)))


async def _tried(host: str, port: int) -> Attempt:
    target = address(host, port)
    try:
        async with asyncio.timeout(OUTSIDE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return Attempt(target=target, problem=(str(error) or "no answer in time")[:MOST_TEXT])
    writer.close()
    return Attempt(target=target)
