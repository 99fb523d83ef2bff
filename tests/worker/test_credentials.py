"""Agents ask for what fetches a repository: real bus, real permissions, real database, a forge that is asked."""

import asyncio
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
from django.db import connection
from structlog.testing import capture_logs

from seatrial.agent.bus.identity import Identity
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.control.bus import Bus
from seatrial.control.fleet.models import Agent
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project
from seatrial.control.worker import grants
from seatrial.control.worker.database import Database
from seatrial.wire import subjects
from seatrial.wire.credentials import CredentialRefusal, CredentialRefused, SourceCredential
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted
from seatrial.wire.states import AgentState
from tests.bus.conftest import bus, configuration, nats_server
from tests.forges.toy import START, ToyForge, ToySite
from tests.waiting import LIMIT_SECONDS
from tests.worker.askers import Fleet, answering, asked, fleet_of_two, question, site, until

__all__ = ["bus", "configuration", "fleet_of_two", "nats_server", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


async def test_an_agent_gets_what_fetches_its_preview_and_its_evaluation(
    database: Database, bus: Bus, fleet_of_two: Fleet, site: ToySite
) -> None:
    async with answering(database, bus, workers=3), fleet_of_two.asking("one") as asks:
        for credentials in (
            asks.for_environment(fleet_of_two.environment.pk),
            asks.for_evaluation(fleet_of_two.evaluation.pk),
        ):
            credential = await credentials(fleet_of_two.project.pk)
            assert (credential.login.username, credential.login.password) == ("toy", "t" * 520)
            assert credential.expires_at.year == 2030 and not credential.expired
    assert site.asked == ["POST /shop/tokens"] * 2, "one of the workers for each question"


async def test_only_the_asker_can_open_it(database: Database, bus: Bus, fleet_of_two: Fleet) -> None:
    """The bus carries a box and no password; the other agent's key does not open it."""
    carried: list[bytes] = []

    async def note(message: Any) -> None:
        carried.append(message.data)

    await bus.client.subscribe(">", cb=note)
    async with answering(database, bus), fleet_of_two.asking("one") as asks:
        await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)
    await bus.client.flush()
    boxes = [
        envelope.open()
        for envelope in map(Envelope.decode, (data for data in carried if b"SourceCredential" in data))
    ]
    assert len(boxes) == 1 and isinstance(boxes[0], SourceCredential)
    assert not any(b"ttttt" in data for data in carried)
    with pytest.raises(Exception, match="not sealed to this agent's key"):
        Identity.load(fleet_of_two.directory / "two").unseal(boxes[0].sealed)


@pytest.mark.parametrize(
    ("agent", "changed", "code"),
    [
        ("two", {}, CredentialRefusal.NOT_YOURS),
        ("one", {"repository": "01ANOTHER"}, CredentialRefusal.NOT_YOURS),
        ("one", {"environment": "01NOWHERE"}, CredentialRefusal.NOT_YOURS),
        ("nobody", {}, CredentialRefusal.UNKNOWN_AGENT),
    ],
)
async def test_nobody_else_and_nothing_else_and_the_forge_is_not_even_asked(
    database: Database,
    bus: Bus,
    fleet_of_two: Fleet,
    site: ToySite,
    agent: str,
    changed: dict[str, str],
    code: CredentialRefusal,
) -> None:
    identity = fleet_of_two.agents[agent].pk if agent in fleet_of_two.agents else "01NOBODY"
    async with answering(database, bus):
        answer = await asked(bus, identity, question(fleet_of_two, **changed))
    assert isinstance(answer, CredentialRefused) and answer.code is code
    assert answer.retry_after_seconds is None and site.asked == []


async def test_another_agents_evaluation_stays_closed_while_it_runs(
    database: Database, bus: Bus, fleet_of_two: Fleet, site: ToySite
) -> None:
    async with answering(database, bus), fleet_of_two.asking("two", patience_seconds=1) as asks:
        with pytest.raises(CheckoutError, match="Agent two does not have evaluation"):
            await asks.for_evaluation(fleet_of_two.evaluation.pk)(fleet_of_two.project.pk)
    assert site.asked == []


async def test_an_agent_that_asks_before_it_was_heard_to_have_started_waits_for_that(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    """Its report is stored before it asks, and read in its own time."""
    evaluation = fleet_of_two.evaluation
    await database.run(lambda: Evaluation.objects.update(state="queued", agent=""))
    started = EvaluationStarted(evaluation=evaluation.pk)
    with capture_logs() as lines:
        async with answering(database, bus), fleet_of_two.asking("two") as asks:
            asking = asyncio.create_task(asks.for_evaluation(evaluation.pk)(fleet_of_two.project.pk))
            await until(lambda: any(line.get("code") == CredentialRefusal.NOT_YOURS for line in lines))
            await database.run(policies.started, fleet_of_two.agents["two"].pk, started)
            assert (await asking).login.username == "toy"


async def test_an_evaluation_whose_job_is_not_published_belongs_to_no_agent(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    await database.run(lambda: Evaluation.objects.update(state="queued", agent="", queued_at=None))
    ask = question(fleet_of_two, environment="", evaluation=fleet_of_two.evaluation.pk)
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, ask)
    assert (answer.code, answer.retry_after_seconds) == (CredentialRefusal.NOT_YOURS, None)


async def test_an_agent_revoked_while_the_forge_is_asked_gets_no_credential(
    database: Database, bus: Bus, fleet_of_two: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = ToyForge.fetch_credential

    open_meanwhile: list[bool] = []

    def meanwhile(forge: ToyForge, project: Project) -> Any:
        open_meanwhile.append(connection.in_atomic_block)
        Agent.objects.update(state=AgentState.REVOKED)
        return take(forge, project)

    monkeypatch.setattr(ToyForge, "fetch_credential", meanwhile)
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
    assert answer.code is CredentialRefusal.UNKNOWN_AGENT
    assert open_meanwhile == [False], "no transaction waits for a forge"


async def test_a_forge_that_is_away_for_a_moment_is_asked_again(
    database: Database, bus: Bus, fleet_of_two: Fleet, site: ToySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "FORGE_AGAIN_SECONDS", 0.1)
    site.problem = httpx.Response(502)
    async with answering(database, bus), fleet_of_two.asking("one") as asks:
        asking = asyncio.create_task(
            asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)
        )
        await until(lambda: len(site.asked) > 1)
        site.problem = None
        assert (await asking).login.username == "toy"


async def test_a_slow_forge_delays_no_other_request(
    database: Database, bus: Bus, fleet_of_two: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = ToyForge.fetch_credential
    asked_first, may_answer = threading.Event(), threading.Event()

    def slowly_at_first(forge: ToyForge, project: Project) -> Any:
        if not asked_first.is_set():
            asked_first.set()
            assert may_answer.wait(LIMIT_SECONDS)
        return take(forge, project)

    monkeypatch.setattr(ToyForge, "fetch_credential", slowly_at_first)
    async with answering(database, bus), fleet_of_two.asking("one") as asks:
        credentials = asks.for_environment(fleet_of_two.environment.pk)
        first = asyncio.create_task(credentials(fleet_of_two.project.pk))
        try:
            await until(asked_first.is_set)
            assert (await credentials(fleet_of_two.project.pk)).login.username == "toy"
            assert not first.done()
        finally:
            may_answer.set()
        assert (await first).login.username == "toy"


@pytest.mark.parametrize(
    "problem", [httpx.Response(404), httpx.Response(429, headers={"Retry-After": "300"})]
)
async def test_a_forge_that_will_not_is_not_waited_for(
    database: Database, bus: Bus, fleet_of_two: Fleet, site: ToySite, problem: httpx.Response
) -> None:
    site.problem = problem
    async with answering(database, bus), fleet_of_two.asking("one") as asks:
        with pytest.raises(CheckoutError, match=rf"toy.test answers {problem.status_code}.*\(forge_error\)"):
            await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)
    assert len(site.asked) == 1


async def test_a_forge_without_credentials_says_so(
    database: Database, bus: Bus, fleet_of_two: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyForge, "fetch_credential", lambda *_: None)
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
    assert (answer.code, answer.retry_after_seconds) == (CredentialRefusal.NO_CREDENTIAL, None)


async def test_a_key_that_nothing_can_be_sealed_to_is_named(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    await database.run(lambda: Agent.objects.update(seal_key="A" * 43 + "="))
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
    assert answer.code is CredentialRefusal.UNFIT_KEY and "Issue a new token" in answer.message


async def test_a_forges_mistake_neither_ends_the_worker_nor_shows_a_secret(
    database: Database, bus: Bus, fleet_of_two: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class Nonsense:
        username: str
        password: Any
        expires_at: datetime

    monkeypatch.setattr(ToyForge, "fetch_credential", lambda *_: Nonsense("toy", ["hush-hush"], START))
    with capture_logs() as lines:
        async with answering(database, bus):
            for _ in range(2):
                answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
                assert (answer.code, answer.retry_after_seconds) == (CredentialRefusal.UNAVAILABLE, 1.0)
    assert "hush-hush" not in repr(lines) and "hush-hush" not in answer.message


@pytest.mark.parametrize(
    "reply", [f"$JS.API.STREAM.PURGE.{subjects.JOBS_STREAM}", "_INBOX_OTHER.x", "_INBOX_{}other.x", ""]
)
async def test_an_answer_goes_nowhere_but_to_the_askers_inbox(
    database: Database, bus: Bus, fleet_of_two: Fleet, reply: str
) -> None:
    """The control plane may write everywhere; an agent that names a reply subject must not use that."""
    one = fleet_of_two.agents["one"].pk
    reply = reply.format(one)
    await bus.publish(subjects.evaluation_jobs("w"), Envelope.wrap(EvaluationStarted(evaluation="e")))
    heard: list[Any] = []

    async def note(message: Any) -> None:
        heard.append(message)

    if reply:
        await bus.client.subscribe(reply, cb=note)
    with capture_logs() as lines:
        async with answering(database, bus):
            await bus.client.publish(
                subjects.credentials(one), Envelope.wrap(question(fleet_of_two)).encode(), reply=reply
            )
            await asked(bus, one, question(fleet_of_two))
    await bus.client.flush()
    assert (await bus.jetstream.stream_info(subjects.JOBS_STREAM)).state.messages == 1
    assert heard == []
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
        "credential asked for with another's reply subject; not answered"
    ]


async def test_a_message_that_is_not_a_question_is_skipped(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    one = fleet_of_two.agents["one"].pk
    inbox = f"{subjects.inbox_prefix(one)}.x"
    both = {"environment": "e", "evaluation": "v", "repository": "r"}
    wrong = Envelope.wrap(question(fleet_of_two)).model_copy(update={"payload": both}).encode()
    nul = Envelope.wrap(question(fleet_of_two, environment="a\x00b")).encode()
    with capture_logs() as lines:
        async with answering(database, bus):
            for data in (b"", b"{", wrong, Envelope.wrap(EvaluationStarted(evaluation="e")).encode(), nul):
                await bus.client.publish(subjects.credentials(one), data, reply=inbox)
            answer = await asked(bus, one, question(fleet_of_two))
    assert isinstance(answer, SourceCredential)
    assert sum(line["event"] == "question skipped" for line in lines) == 4
