"""Log lines on the bus, as an agent publishes them."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from django.conf import settings

from seatrial.control.bus import Bus
from seatrial.control.previews.models import Environment
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.logs import LogChunk, LogLine


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a thread of its own: Playwright's sync API already runs a loop in this one."""
    failures: list[BaseException] = []

    def go() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(30)
    if failures:
        raise failures[0]


def say(
    environment: Environment, service: str, *texts: str, source: str = "service", stream: str = "stdout"
) -> None:
    """Lines of one service of the newest deployment."""
    newest = environment.deployments.order_by("-id")[0].pk

    async def publish() -> None:
        bus = await Bus.connect(settings.CONFIGURATION, name="an agent")
        lines = [LogLine(source=source, stream=stream, text=text) for text in texts]
        chunk = LogChunk(environment=environment.pk, deployment=newest, service=service, lines=lines)
        await bus.publish(
            subjects.logs(environment.agent_id or "A1", environment.pk, newest, service), Envelope.wrap(chunk)
        )
        await bus.close()

    run(publish())
