"""Asks an agent about its host."""

import nats.errors
from nats.js import api

from seatrial.control.bus import Bus
from seatrial.control.fleet.errors import NoSurvey
from seatrial.wire import subjects
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, new_id
from seatrial.wire.errors import WireError
from seatrial.wire.hosts import ANSWER_SECONDS, AskHost, HostReport

NOBODY_LISTENS = "503"  # the bus's own answer


async def survey(bus: Bus, agent: str, asked: AskHost, *, seconds: float = ANSWER_SECONDS) -> HostReport:
    """The agent's survey of its host. Asked once. Raises NoSurvey; nats.errors.Error and OSError when the bus is away.

    Only `agent` can write to the subject of the answer, so nobody else can answer for it.
    """
    subject = subjects.host_answer(agent, new_id())
    with heeded():
        subscription = await bus.client.subscribe(subject)
    try:
        with heeded():
            await bus.client.publish(subjects.ask_host(agent), Envelope.wrap(asked).encode(), reply=subject)
            message = await subscription.next_msg(timeout=seconds)
    except (TimeoutError, nats.errors.TimeoutError) as error:
        raise NoSurvey(f"it did not answer within {seconds:g} s") from error
    finally:
        await subscription.unsubscribe()
    if (message.headers or {}).get(api.Header.STATUS) == NOBODY_LISTENS:
        raise NoSurvey("it does not know the question: its release is older")
    try:
        report = Envelope.decode(message.data).open()
    except WireError as error:
        raise NoSurvey(f"its answer cannot be read: {error}") from error
    if not isinstance(report, HostReport):
        raise NoSurvey(f"its answer is a {report.kind}")
    return report
