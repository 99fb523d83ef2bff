"""One tunnel, from its beginning to its end."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from seatrial.agent.tunnels.far import Far
from seatrial.agent.tunnels.opening import CannotOpen
from seatrial.wire.ending import ended
from seatrial.wire.errors import TunnelLost
from seatrial.wire.tunnels import Kind, Outcome, TunnelEnd, Way, sized

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1_800.0
LOOK_SECONDS = 15.0
AGAIN_SECONDS = 1.0


async def carry(way: Way, begin: Callable[[], Awaitable[Far]]) -> TunnelEnd:
    """Open the far end and carry until either side ends. Returns what was said of it to the other side, if that was there to hear it.

    When it returns or is cancelled, the far end is closed, and nothing that was started for it runs any more.
    """
    staying = asyncio.create_task(way.stay())
    try:
        try:
            far = await begin()
        except CannotOpen as error:
            return await _say(way, TunnelEnd(outcome=Outcome.REFUSED, text=str(error)))
        code = None
        try:
            await way.send(Kind.OPENED)
            outcome = await _carried(way, far)
            if outcome is Outcome.ENDED:
                code = await far.exit_code()
        finally:
            await _closed(far)
        return await _say(way, TunnelEnd(outcome=outcome, exit_code=code))
    except TunnelLost as error:
        return TunnelEnd(outcome=Outcome.LOST, text=str(error))
    finally:
        await ended(staying, again_seconds=AGAIN_SECONDS)


async def _carried(way: Way, far: Far) -> Outcome:
    """Carry both ways. It is over when the far end has said everything, and when the near one says that it is."""
    input_over = asyncio.Event()
    tasks = {
        asyncio.create_task(_out(way, far, input_over)): Outcome.ENDED,
        asyncio.create_task(_in(way, far, input_over)): Outcome.CLOSED,
        asyncio.create_task(_idle(way)): Outcome.IDLE,
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # raises TunnelLost
        return next(outcome for task, outcome in tasks.items() if task in done)
    finally:
        await ended(*tasks, again_seconds=AGAIN_SECONDS)


async def _out(way: Way, far: Far, input_over: asyncio.Event) -> None:
    try:
        while (said := await far.read()) is not None:
            await way.send(*said)
    except OSError as error:
        log.debug("the far end of a tunnel is gone", reason=str(error))
    await way.send(Kind.OUTPUT_ENDS)
    if not far.ends_with_output:
        await input_over.wait()


async def _in(way: Way, far: Far, input_over: asyncio.Event) -> None:
    """Until the near end is closed. What the far end does not take any more is dropped, and what it still says is carried."""
    while True:
        kind, content = await way.read()
        if kind is Kind.END:
            return
        try:
            if kind is Kind.INPUT:
                await far.write(content)
            elif kind is Kind.INPUT_ENDS:
                await far.end_input()
                input_over.set()
            elif kind is Kind.RESIZE and (size := sized(content)):
                await far.resize(*size)
        except OSError as error:
            input_over.set()
            log.debug("the far end of a tunnel takes nothing more", reason=str(error))
        if kind is Kind.INPUT:
            await way.took(content)


async def _idle(way: Way) -> None:
    while True:
        if way.idle_seconds >= IDLE_SECONDS:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _closed(far: Far) -> None:
    """Closed in a task of its own: a cancellation waits for that."""
    closing = asyncio.create_task(far.close())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise


async def _say(way: Way, end: TunnelEnd) -> TunnelEnd:
    await way.send(Kind.END, end.model_dump_json().encode())
    return end
