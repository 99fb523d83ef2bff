"""Has screenshots taken of what went live: asks the agents, and keeps what they answer."""

import asyncio
from contextlib import aclosing

import nats.errors
import structlog
from django.utils import timezone

from seatrial.control.bus import Bus
from seatrial.control.fleet.errors import NoSurvey
from seatrial.control.fleet.questions import answers
from seatrial.control.previews.evidence import taking
from seatrial.control.previews.evidence.taking import Order
from seatrial.control.worker.database import Database
from seatrial.wire import subjects
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.screenshots import (
    ANSWER_SECONDS,
    MOST_PROBLEM,
    NoScreenshot,
    ScreenshotPart,
    Shown,
    joined,
)

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3.0
AT_ONCE = 4  # an agent takes one after the other


class Screenshots:
    """Any number of workers may do it at once: each screenshot is claimed by one of them."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """Runs for ever: looks every LOOK_SECONDS, and asks for AT_ONCE at the same time."""
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                if free := AT_ONCE - len(running):
                    for order in await self._database.run(taking.claimed, timezone.now(), free):
                        task = group.create_task(self.one(order))
                        running.add(task)
                        task.add_done_callback(running.discard)
                await asyncio.sleep(LOOK_SECONDS)

    async def one(self, order: Order) -> None:
        """Ask for one, and keep what comes."""
        answer = await self._answer(order)
        if isinstance(answer, NoScreenshot):
            await self._database.run(taking.refused, order.screenshot, answer, timezone.now())
        else:
            await self._database.run(taking.taken, order.screenshot, *answer, timezone.now())

    async def _answer(self, order: Order) -> tuple[Shown, bytes] | NoScreenshot:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asked(self._bus, order)
        except (NoSurvey, MalformedMessage, nats.errors.Error, OSError) as error:
            said = str(error) or "its agent did not answer in time"
            log.warning("no screenshot", problem=said, **order.question.model_dump())
            return NoScreenshot(problem=said[:MOST_PROBLEM], again=True)


async def asked(bus: Bus, order: Order) -> tuple[Shown, bytes] | NoScreenshot:
    """What the agent answers. Raises NoSurvey, MalformedMessage; nats.errors.Error and OSError when the bus is away."""
    subject = subjects.ask_screenshot(order.agent)
    came: list[ScreenshotPart] = []
    async with aclosing(
        answers(bus, order.agent, subject, order.question, seconds=ANSWER_SECONDS)
    ) as messages:
        async for message in messages:
            if isinstance(message, NoScreenshot):
                return message
            if not isinstance(message, ScreenshotPart):
                raise NoSurvey(f"its answer is a {message.kind}")
            came.append(message)
            if len(came) >= came[0].count:
                break
    return joined(came)
