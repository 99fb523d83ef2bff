"""Asks an agent something, in its inbox; it answers below its own name, where nobody else can."""

from collections.abc import AsyncGenerator

import nats.errors
from nats.js import api

from seatrial.control.bus import Bus
from seatrial.control.fleet.errors import NoSurvey
from seatrial.wire import subjects
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, Message, new_id
from seatrial.wire.errors import WireError

NOBODY_LISTENS = "503"  # the bus's own answer


async def answers(
    bus: Bus, agent: str, subject: str, question: Message, *, seconds: float
) -> AsyncGenerator[Message]:
    """The messages that answer, as they come, each within `seconds`. Asked once. Raises NoSurvey; nats.errors.Error and OSError when
    the bus is away."""
    reply = subjects.host_answer(agent, new_id())
    with heeded():
        subscription = await bus.client.subscribe(reply)
    try:
        with heeded():
            await bus.client.publish(subject, Envelope.wrap(question).encode(), reply=reply)
        while True:
            with heeded():
                message = await subscription.next_msg(timeout=seconds)
            if (message.headers or {}).get(api.Header.STATUS) == NOBODY_LISTENS:
                raise NoSurvey("it does not know the question: its release is older")
            yield Envelope.decode(message.data).open()
    except (TimeoutError, nats.errors.TimeoutError) as error:
        raise NoSurvey(f"it did not answer within {seconds:g} s") from error
    except WireError as error:
        raise NoSurvey(f"its answer cannot be read: {error}") from error
    finally:
        await subscription.unsubscribe()
