"""Asks the control plane to visit previews for policies."""

import asyncio

import nats.errors

from seatrial.agent.bus.asking import ended
from seatrial.agent.bus.connection import Bus
from seatrial.agent.vocabulary.errors import NotVisited
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.previews import ANSWER_SECONDS, AskVisit, Visited, VisitRefused

TRIES = 5  # while no worker listens: a restarted one is back soon
PAUSE_SECONDS = 1.0


class BusVisits:
    """`Visits` over one bus. One question is asked once, unless nobody has heard it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def __call__(self, asked: AskVisit) -> Visited | VisitRefused:
        """See Visits."""
        for _ in range(TRIES - 1):
            try:
                return await self._ask(asked)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(PAUSE_SECONDS)
        try:
            return await self._ask(asked)
        except nats.errors.NoRespondersError:
            raise NotVisited("no worker of the control plane listens", again=True) from None

    async def _ask(self, asked: AskVisit) -> Visited | VisitRefused:
        client = await self._bus.client()
        subject, data = subjects.visits(self._bus.agent), Envelope.wrap(asked).encode()
        try:
            reply = await ended(asyncio.create_task(client.request(subject, data, timeout=ANSWER_SECONDS)))
            message = Envelope.decode(reply.data).open()
        except nats.errors.NoRespondersError:
            raise
        except (nats.errors.Error, OSError) as error:
            raise NotVisited(
                f"the control plane's worker did not answer ({type(error).__name__})", again=True
            ) from error
        except WireError as error:
            raise NotVisited(f"the answer cannot be read: {error}") from error
        if isinstance(message, Visited | VisitRefused):
            return message
        raise NotVisited(f"the answer is a {message.kind}")
