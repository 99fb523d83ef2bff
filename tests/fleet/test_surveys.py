"""The control plane asks an agent about its host, with the credential that every agent has."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client
from structlog.testing import capture_logs

from seatrial.agent.bus.connection import Bus as AgentBus
from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.program import surveys as answering_surveys
from seatrial.agent.survey.answering import MOST_WAITING
from seatrial.control.airgap.agents import Known, surveyed
from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.control.fleet.errors import NoSurvey
from seatrial.control.fleet.surveys import survey
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.envelope import Envelope
from seatrial.wire.hosts import AskHost, HostReport
from tests.bus.conftest import bus, configuration, nats_server
from tests.bus.servers import NatsServer
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.nats
__all__ = ["bus", "configuration", "nats_server"]

AGENT = "01AGENT"


class Surveys:
    """Answers with the names it was asked for, when it may."""

    def __init__(self) -> None:
        self.asked: list[AskHost] = []
        self.may = asyncio.Event()
        self.may.set()

    async def report(self, asked: AskHost) -> HostReport:
        self.asked.append(asked)
        await self.may.wait()
        return HostReport(release="1", engine=",".join(asked.names))


@pytest.fixture
def surveys() -> Surveys:
    return Surveys()


@pytest.fixture
async def answering(nats_server: NatsServer, tmp_path: Path, surveys: Surveys) -> AsyncIterator[AgentBus]:
    """An agent that answers."""
    identity = Identity.load(tmp_path / "identity")
    token = agent_token(nats_server.identity.signing_seed.read_bytes().strip(), AGENT, identity.public_key)
    identity.keep(Credential(agent=AGENT, name="a", nats_url=nats_server.url, user_jwt=token))
    agent = AgentBus(nats_server.url, identity.credentials_file, AGENT)
    tasks = [asyncio.create_task(agent.run()), asyncio.create_task(answering_surveys(agent, surveys).run())]  # type: ignore[arg-type]
    yield agent
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def listening(bus: Bus) -> None:
    """Wait until the agent hears questions: one that is asked before is lost."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            try:
                await survey(bus, AGENT, AskHost(), seconds=2)
            except NoSurvey:
                await asyncio.sleep(0.02)
            else:
                return


async def test_an_agent_answers_what_it_is_asked(answering: AgentBus, bus: Bus, surveys: Surveys) -> None:
    await listening(bus)
    report = await survey(bus, AGENT, AskHost(names=["gitlab.acme.test"], outside=True))
    assert (report.release, report.engine) == ("1", "gitlab.acme.test")
    assert surveys.asked[-1] == AskHost(names=["gitlab.acme.test"], outside=True)


async def test_an_agent_that_does_not_listen_is_known_at_once(bus: Bus) -> None:
    with pytest.raises(NoSurvey, match="it does not know the question: its release is older"):
        await survey(bus, AGENT, AskHost(), seconds=10 * LIMIT_SECONDS)


async def test_one_that_is_silent_is_not_waited_for_without_end(
    answering: AgentBus, bus: Bus, surveys: Surveys
) -> None:
    await listening(bus)
    surveys.may.clear()
    with pytest.raises(NoSurvey, match=r"it did not answer within 0.1 s"):
        await survey(bus, AGENT, AskHost(), seconds=0.1)


async def test_after_a_new_connection_it_still_answers(
    answering: AgentBus, bus: Bus, nats_server: NatsServer, surveys: Surveys
) -> None:
    await listening(bus)
    before = answering.session
    nats_server.kill()
    nats_server.start()
    await until(lambda: answering.session > before and bus.client.is_connected)
    await listening(bus)


async def asked_raw(client: Client, data: bytes, reply: str) -> None:
    await client.publish(subjects.ask_host(AGENT), data, reply=reply)


async def test_what_is_no_question_of_ours_gets_no_answer(
    answering: AgentBus, bus: Bus, surveys: Surveys
) -> None:
    await listening(bus)
    heard = await bus.client.subscribe(">")
    before = len(surveys.asked)
    question = Envelope.wrap(AskHost()).encode()
    mine = subjects.host_answer(AGENT, "q")
    for data, reply in [
        (b"junk", mine),
        (Envelope.wrap(Heartbeat(release="1")).encode(), mine),
        (question.replace(b'"names":[]', b'"names":["a b"]'), mine),
        (question.replace(b'"names":[]', b'"names":["a","b","c","d","e"]'), mine),
        (question, subjects.host_answer("01OTHER", "q")),
        (question, "_INBOX.control"),
        (question, ""),
    ]:
        await asked_raw(bus.client, data, reply)
    await survey(bus, AGENT, AskHost(), seconds=LIMIT_SECONDS)  # answered after all of those
    assert len(surveys.asked) == before + 1
    answers = [message.subject for message in _all(heard) if message.subject.startswith("seatrial.agents.")]
    assert len(answers) == 1


def _all(subscription: object) -> list[object]:
    queue = subscription._pending_queue  # type: ignore[attr-defined]
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_questions_do_not_pile_up(answering: AgentBus, bus: Bus, surveys: Surveys) -> None:
    await listening(bus)
    before, asked, dropped = len(surveys.asked), 3 * MOST_WAITING, 2 * MOST_WAITING
    surveys.may.clear()
    replies = await bus.client.subscribe(f"{subjects.host_answers(AGENT)}*")
    with capture_logs() as logs:
        for number in range(asked):
            await asked_raw(
                bus.client, Envelope.wrap(AskHost()).encode(), subjects.host_answer(AGENT, str(number))
            )
        await until(lambda: len(logs) == dropped)
    assert len(surveys.asked) == before + 1, "one at a time"
    surveys.may.set()
    for _ in range(asked - dropped):
        await replies.next_msg(timeout=LIMIT_SECONDS)
    await survey(bus, AGENT, AskHost(), seconds=LIMIT_SECONDS)  # it takes questions again
    assert len(surveys.asked) == before + asked - dropped + 1


def test_all_agents_are_asked_at_the_same_time(nats_server: NatsServer, configuration: Configuration) -> None:
    found = surveyed(configuration, [Known("01A", "a", "1"), Known("01B", "b", "2")], AskHost())
    assert [(one.agent.name, one.report, one.problem) for one in found] == [
        ("a", None, "it does not know the question: its release is older"),
        ("b", None, "it does not know the question: its release is older"),
    ]
