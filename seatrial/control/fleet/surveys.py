"""Asks an agent about its host."""

from contextlib import aclosing

from seatrial.control.bus import Bus
from seatrial.control.fleet.errors import NoSurvey
from seatrial.control.fleet.questions import answers
from seatrial.wire import subjects
from seatrial.wire.hosts import ANSWER_SECONDS, AskHost, HostReport


async def survey(bus: Bus, agent: str, asked: AskHost, *, seconds: float = ANSWER_SECONDS) -> HostReport:
    """The agent's survey of its host. Asked once. Raises NoSurvey; nats.errors.Error and OSError when the bus is away.

    Only `agent` can write to the subject of the answer, so nobody else can answer for it.
    """
    async with aclosing(answers(bus, agent, subjects.ask_host(agent), asked, seconds=seconds)) as came:
        report = await anext(came)
    if not isinstance(report, HostReport):
        raise NoSurvey(f"its answer is a {report.kind}")
    return report
