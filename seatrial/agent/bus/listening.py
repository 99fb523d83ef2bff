"""Listens to a subject for as long as the agent runs, whatever becomes of the connection."""

import asyncio
from collections.abc import Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from seatrial.agent.bus.connection import Bus
from seatrial.wire.ending import ended, heeded

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 1.0  # also until what lost its cancellation in the bus's client is cancelled again
Begin = Callable[[asyncio.TaskGroup, Client, Msg], None]


async def listen(bus: Bus, subject: str, begin: Begin) -> None:
    """Call `begin` with each message, and a group for the tasks that it leads to. Runs for ever. What comes while the connection is away
    is lost."""
    while True:
        client = await bus.client()
        listening = asyncio.create_task(_listen(client, subject, begin))
        replaced = asyncio.create_task(_replaced(bus, client))
        try:
            await asyncio.wait({listening, replaced}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done() and (problem := listening.exception()) is not None:
                log.warning("nothing is heard; trying again", subject=subject, problem=repr(problem))
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await ended(listening, replaced, again_seconds=AGAIN_SECONDS)


async def _replaced(bus: Bus, client: Client) -> None:
    """Return when the bus has another client. One that only reconnects subscribes again by itself."""
    session = bus.session
    while await bus.client() is client:
        session = await bus.next_session(session)


async def _listen(client: Client, subject: str, begin: Begin) -> None:
    with heeded():
        subscription = await client.subscribe(subject)
    try:
        async with asyncio.TaskGroup() as group:
            async for message in subscription.messages:
                begin(group, client, message)
    finally:
        if client.is_connected:
            await subscription.unsubscribe()
