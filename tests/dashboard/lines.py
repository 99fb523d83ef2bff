"""Log lines on the bus, as an agent publishes them."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings

from seatrial.control.bus import Bus
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope, now
from seatrial.wire.logs import LogChunk, LogLine


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a thread of its own: Playwright's sync API already runs a loop in this one."""
    failures: list[BaseException] = []

    def go() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "not done"
    if failures:
        raise failures[0]


def _subject(
    environment: Environment, service: str, agent: str = "", of: Deployment | None = None
) -> tuple[str, str]:
    """Where the lines of a deployment go (of the newest one, unless `of` is another), and its id."""
    spoken = of or environment.deployments.order_by("-id")[0]
    speaker = agent or spoken.agent_id
    assert speaker, "nobody may tell of a deployment that is nowhere"
    return subjects.logs(speaker, environment.pk, spoken.pk, service), spoken.pk


def say(
    environment: Environment,
    service: str,
    *texts: str,
    source: str = "service",
    stream: str = "stdout",
    agent: str = "",
    of: Deployment | None = None,
    at: datetime | None = None,
) -> None:
    """Lines of one service of the newest deployment, or of `of`, said by its agent unless `agent` is another."""
    subject, newest = _subject(environment, service, agent, of)

    async def publish() -> None:
        bus = await Bus.connect(settings.CONFIGURATION, name="an agent")
        lines = [LogLine(at=at or now(), source=source, stream=stream, text=text) for text in texts]
        chunk = LogChunk(environment=environment.pk, deployment=newest, service=service, lines=lines)
        await bus.publish(subject, Envelope.wrap(chunk))
        await bus.close()

    run(publish())


def pour(environment: Environment, service: str, count: int, *, every_seconds: float = 0) -> None:
    """`count` chunks of one numbered line each: as fast as the bus takes them, or a hundred of them at a time."""
    subject, newest = _subject(environment, service)

    async def publish() -> None:
        bus = await Bus.connect(settings.CONFIGURATION, name="an agent")
        for number in range(count):
            line = LogLine(source="service", stream="stdout", text=f"poured {number}")
            chunk = LogChunk(environment=environment.pk, deployment=newest, service=service, lines=[line])
            await bus.client.publish(subject, Envelope.wrap(chunk).encode())
            if every_seconds and number % 100 == 99:
                await asyncio.sleep(every_seconds)
        await bus.client.flush()
        await bus.close()

    run(publish())


@contextlib.contextmanager
def talking(environment: Environment, service: str, every_seconds: float) -> Iterator[None]:
    """A service that never falls silent while inside; it has begun."""
    subject, newest = _subject(environment, service)
    begun, over = threading.Event(), threading.Event()

    async def publish() -> None:
        bus = await Bus.connect(settings.CONFIGURATION, name="an agent")
        while not over.is_set():
            line = LogLine(source="service", stream="stdout", text="still talking")
            chunk = LogChunk(environment=environment.pk, deployment=newest, service=service, lines=[line])
            await bus.publish(subject, Envelope.wrap(chunk))
            begun.set()
            await asyncio.sleep(every_seconds)
        await bus.close()

    thread = threading.Thread(target=lambda: asyncio.run(publish()))
    thread.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        over.set()
        thread.join(60)
