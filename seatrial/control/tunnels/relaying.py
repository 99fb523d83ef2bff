"""Carries a tunnel between a WebSocket and the bus."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js import api

from seatrial.control.body_limit import Message, Receive, Send
from seatrial.control.bus import Bus
from seatrial.control.tunnels.granting import Grant
from seatrial.wire import subjects
from seatrial.wire.ending import ended, heeded
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import TunnelLost
from seatrial.wire.tunnels import DATA, Kind, Outcome, TunnelEnd, Way

log = structlog.get_logger(__name__)

LOOK_SECONDS = 15.0
AGAIN_SECONDS = 1.0
FAREWELL_SECONDS = 5.0
NOBODY_LISTENS = "503"  # the bus's own answer
FROM_CLIENT = frozenset({Kind.INPUT, Kind.INPUT_ENDS, Kind.RESIZE})

# Whether it may go on; given whether anything was carried since it was asked last.
StillGranted = Callable[[bool], Awaitable[Outcome | None]]


async def relay(
    bus: Bus, grant: Grant, receive: Receive, send: Send, still_granted: StillGranted
) -> TunnelEnd:
    """Open the tunnel and carry it until either side ends, or it may not go on. The client has been sent END, if it still was there.

    When it returns or is cancelled, the agent has been told, or hears nothing any more: either way it ends what it started.
    """
    agent, asked = grant.agent, grant.asked
    inward = subjects.into_tunnel(agent, asked.tunnel)

    async def publish(frame: bytes) -> None:
        with heeded():
            await bus.client.publish(inward, frame)

    way = Way(publish)

    async def heard(message: Msg) -> None:
        if (message.headers or {}).get(api.Header.STATUS) == NOBODY_LISTENS:
            way.broke("the agent of the preview is offline, or of an earlier release")
        else:
            way.received(message.data)

    outward = subjects.out_of_tunnel(agent, asked.tunnel)
    with heeded():
        subscription = await bus.client.subscribe(outward, cb=heard)
    try:
        with heeded():
            await bus.client.publish(
                subjects.open_tunnels(agent), Envelope.wrap(asked).encode(), reply=outward
            )
        end = await _met(way) or await _carried(way, receive, send, still_granted)
        await _farewell(way, send, end)
        return end
    finally:
        if bus.client.is_connected:
            await subscription.unsubscribe()


async def _met(way: Way) -> TunnelEnd | None:
    """None once the agent is there."""
    try:
        await way.met()
    except TunnelLost as error:
        return TunnelEnd(outcome=Outcome.LOST, text=str(error))
    return None


async def _carried(way: Way, receive: Receive, send: Send, still_granted: StillGranted) -> TunnelEnd:
    tasks = [
        asyncio.create_task(work)
        for work in (_out(way, send), _in(way, receive), _watch(way, still_granted), _stay(way))
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task.result() for task in tasks if task in done)
    except (TunnelLost, nats.errors.Error) as error:
        return TunnelEnd(outcome=Outcome.LOST, text=str(error) or type(error).__name__)
    finally:
        await ended(*tasks, again_seconds=AGAIN_SECONDS)


async def _out(way: Way, send: Send) -> TunnelEnd:
    """To the client, until the agent says that it is over."""
    while True:
        kind, content = await way.read()
        if kind is Kind.END:
            return TunnelEnd.model_validate_json(content)
        await _send(send, kind, content)
        if kind in DATA:
            await way.took(content)


async def _in(way: Way, receive: Receive) -> TunnelEnd:
    """From the client, until it goes away."""
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return TunnelEnd(outcome=Outcome.CLOSED)
        frame = _frame(message)
        if frame is not None:
            await way.send(*frame)


def _frame(message: Message) -> tuple[Kind, bytes] | None:
    """What a client may say; None for anything else, which is dropped."""
    data = message.get("bytes") or b""
    if not data or data[0] not in FROM_CLIENT:
        return None
    return Kind(data[0]), data[1:]


async def _watch(way: Way, still_granted: StillGranted) -> TunnelEnd:
    began = time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        carried = way.idle_seconds < min(LOOK_SECONDS, time.monotonic() - began)
        outcome = await still_granted(carried)
        if outcome is not None:
            return TunnelEnd(outcome=outcome)


async def _stay(way: Way) -> TunnelEnd:
    await way.stay()
    return TunnelEnd(outcome=Outcome.LOST, text="the preview's agent is silent")


async def _farewell(way: Way, send: Send, end: TunnelEnd) -> None:
    """Tell both sides, as far as they are there."""
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await way.send(Kind.END)
            if end.outcome != Outcome.CLOSED:
                await _send(send, Kind.END, end.model_dump_json().encode())
    except (TunnelLost, TimeoutError, nats.errors.Error, OSError) as error:
        log.debug("a side of a tunnel is gone", reason=str(error))


async def _send(send: Send, kind: Kind, content: bytes) -> None:
    await send({"type": "websocket.send", "bytes": bytes([kind]) + content})
