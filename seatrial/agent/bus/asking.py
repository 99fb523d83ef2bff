"""Waiting for an answer on the bus."""

import asyncio

import nats.errors
from nats.aio.msg import Msg


async def ended(asking: asyncio.Task[Msg]) -> Msg:
    """The result of the call. The client uses Python 3.11's wait_for, which can lose a cancellation; this call does not lose it."""
    try:
        await asyncio.wait({asking})
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    if asking.cancelled():  # by the client, because it was closed
        raise nats.errors.ConnectionClosedError
    return asking.result()
