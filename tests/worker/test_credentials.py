"""Agents ask for what fetches a repository: real bus, real permissions, real database, a forge that is asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.agent.bus.connection import Bus as AgentBus
from seatrial.agent.bus.credentials import BusCredentials
from seatrial.agent.bus.identity import Credential as Registered
from seatrial.agent.bus.identity import Identity
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.control.bus import Bus
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.control.fleet.models import Agent
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.control.worker import grants
from seatrial.control.worker.credentials import Credentials
from seatrial.control.worker.database import Database
from seatrial.control.worker.grants import NotGranted
from seatrial.wire import subjects
from seatrial.wire.credentials import AskCredential, CredentialRefused, Refusal, SourceCredential
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted
from tests import factories
from tests.bus.conftest import bus, configuration, nats_server
from tests.bus.servers import NatsServer
from tests.forges.toy import START, ToyForge, ToySite, registration

__all__ = ["bus", "configuration", "nats_server"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> ToySite:
    site = ToySite()
    monkeypatch.setitem(registry.FORGES, "toy", registration(site))
    return site


@dataclass
class Fleet:
    """Two agents with keys of their own, and a project of the toy forge with a preview and an evaluation on the first."""

    server: NatsServer
    directory: Path
    project: Project
    environment: Environment
    evaluation: Evaluation
    agents: dict[str, Agent]

    @asynccontextmanager
    async def asking(self, name: str, *, patience_seconds: float = 60) -> AsyncIterator[BusCredentials]:
        """What the agent asks with, over a connection of its own."""
        identity = Identity.load(self.directory / name)
        client = AgentBus(self.server.url, identity.credentials_file, self.agents[name].pk)
        running = asyncio.create_task(client.run())
        try:
            yield BusCredentials(client, identity.unseal, patience_seconds=patience_seconds)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _agent(directory: Path, name: str, server: NatsServer) -> Agent:
    identity = Identity.load(directory / name)
    agent = factories.agent(name, public_key=identity.public_key, seal_key=identity.seal_key)
    token = agent_token(server.identity.signing_seed.read_bytes().strip(), agent.pk, identity.public_key)
    identity.keep(Registered(agent=agent.pk, name=name, nats_url=server.url, user_jwt=token))
    return agent


@pytest.fixture
def fleet_of_two(site: ToySite, nats_server: NatsServer, tmp_path: Path) -> Fleet:
    workspace = factories.workspace()
    connection = factories.connection(
        workspace, forge="toy", base_url="https://toy.test", credential="the credential"
    )
    project = factories.project(
        workspace,
        "shop",
        connection=connection,
        external_id="shop",
        clone_url="https://toy.test/shop.git",
    )
    agents = {name: _agent(tmp_path, name, nats_server) for name in ("one", "two")}
    pull_request = factories.pull_request(project)
    environment = factories.environment(pull_request, agent=agents["one"], state="building")
    environment.candidate = factories.deployment(environment)
    environment.save()
    evaluation = factories.evaluation(
        pull_request, state="running", agent=agents["one"].pk, queued_at=timezone.now()
    )
    return Fleet(nats_server, tmp_path, project, environment, evaluation, agents)


@asynccontextmanager
async def answering(database: Database, bus: Bus, workers: int = 1) -> AsyncIterator[None]:
    """So many workers answer."""
    asking = Database(2)
    tasks = [asyncio.create_task(Credentials(database, asking, bus, Forges()).run()) for _ in range(workers)]
    try:
        listen = bus.client._subs
        await until(lambda: sum(one.subject == subjects.CREDENTIALS for one in listen.values()) == workers)
        await bus.client.flush(60)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        asking.close()


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


def question(scene: Fleet, **changed: str) -> AskCredential:
    return AskCredential(**{"environment": scene.environment.pk, "repository": scene.project.pk, **changed})


def stopped(scene: Fleet) -> None:
    scene.environment.state = "terminated"
    scene.environment.save()


def moved(scene: Fleet) -> None:
    assert scene.environment.candidate is not None
    scene.environment.candidate.agent = scene.agents["two"]
    scene.environment.candidate.save()


def failed(scene: Fleet) -> None:
    scene.environment.candidate = None
    scene.environment.save()


def revoked(scene: Fleet) -> None:
    fleet.revoke(scene.agents["one"], by="alice")


@pytest.mark.parametrize("change", [stopped, moved, failed, revoked])
def test_who_has_the_preview_no_more_gets_nothing(
    fleet_of_two: Fleet, change: Callable[[Fleet], None]
) -> None:
    one = fleet_of_two.agents["one"].pk
    assert grants.claim(one, question(fleet_of_two)).project == fleet_of_two.project
    change(fleet_of_two)
    with pytest.raises(NotGranted) as refused:
        grants.claim(one, question(fleet_of_two))
    wanted = Refusal.UNKNOWN_AGENT if change is revoked else Refusal.NOT_YOURS
    assert (refused.value.code, refused.value.retry_after_seconds) == (wanted, None)


def test_the_live_deployments_agent_may_fetch_beside_the_candidates(fleet_of_two: Fleet) -> None:
    environment = fleet_of_two.environment
    environment.live, environment.candidate = (
        environment.candidate,
        factories.deployment(environment, agent=fleet_of_two.agents["two"]),
    )
    environment.save()
    for agent in fleet_of_two.agents.values():
        assert grants.claim(agent.pk, question(fleet_of_two)).agent == agent


@pytest.mark.parametrize("state", ["passed", "superseded", "errored"])
def test_an_evaluation_that_is_over_gives_nothing(fleet_of_two: Fleet, state: str) -> None:
    ask = question(fleet_of_two, environment="", evaluation=fleet_of_two.evaluation.pk)
    one = fleet_of_two.agents["one"].pk
    assert grants.claim(one, ask).project == fleet_of_two.project
    Evaluation.objects.update(state=state)
    with pytest.raises(NotGranted) as refused:
        grants.claim(one, ask)
    assert (refused.value.code, refused.value.retry_after_seconds) == (Refusal.NOT_YOURS, None)


@pytest.mark.parametrize(
    ("agent", "changed", "code"),
    [
        ("two", {}, Refusal.NOT_YOURS),
        ("one", {"repository": "01ANOTHER"}, Refusal.NOT_YOURS),
        ("one", {"environment": "01NOWHERE"}, Refusal.NOT_YOURS),
        ("nobody", {}, Refusal.UNKNOWN_AGENT),
    ],
)
async def test_nobody_else_and_nothing_else_and_the_forge_is_not_even_asked(
    database: Database,
    bus: Bus,
    fleet_of_two: Fleet,
    site: ToySite,
    agent: str,
    changed: dict[str, str],
    code: Refusal,
) -> None:
    identity = fleet_of_two.agents[agent].pk if agent in fleet_of_two.agents else "01NOBODY"
    async with answering(database, bus):
        answer = await asked(bus, identity, question(fleet_of_two, **changed))
    assert isinstance(answer, CredentialRefused) and answer.code is code
    assert answer.retry_after_seconds is None and site.asked == []


async def asked(bus: Bus, agent: str, about: AskCredential) -> Any:
    """What the bus would bring `agent`, asked as the control plane, which may listen to every inbox."""
    inbox = f"{subjects.inbox_prefix(agent)}.test"
    subscription = await bus.client.subscribe(inbox)
    await bus.client.publish(subjects.credentials(agent), Envelope.wrap(about).encode(), reply=inbox)
    reply = await subscription.next_msg(timeout=60)
    await subscription.unsubscribe()
    return Envelope.decode(reply.data).open()


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
            asking = asyncio.create_task(asks.for_evaluation(evaluation.pk)(fleet_of_two.project.pk))  # type: ignore[arg-type]
            await until(lambda: any(line.get("code") == Refusal.NOT_YOURS for line in lines))
            await database.run(policies.started, fleet_of_two.agents["two"].pk, started)
            assert (await asking).login.username == "toy"


async def test_an_evaluation_whose_job_is_not_published_cannot_be_anybodys(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    await database.run(lambda: Evaluation.objects.update(state="queued", agent="", queued_at=None))
    ask = question(fleet_of_two, environment="", evaluation=fleet_of_two.evaluation.pk)
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, ask)
    assert (answer.code, answer.retry_after_seconds) == (Refusal.NOT_YOURS, None)


async def test_who_is_revoked_while_the_forge_thinks_gets_nothing(
    database: Database, bus: Bus, fleet_of_two: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = ToyForge.fetch_credential

    def meanwhile(forge: ToyForge, project: Project) -> Any:
        revoked(fleet_of_two)
        return take(forge, project)

    monkeypatch.setattr(ToyForge, "fetch_credential", meanwhile)
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
    assert answer.code is Refusal.UNKNOWN_AGENT


async def test_a_forge_that_is_away_for_a_moment_is_asked_again(
    database: Database, bus: Bus, fleet_of_two: Fleet, site: ToySite
) -> None:
    site.problem = httpx.Response(502)
    async with answering(database, bus), fleet_of_two.asking("one") as asks:
        asking = asyncio.create_task(
            asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)  # type: ignore[arg-type]
        )
        await until(lambda: len(site.asked) > 1)
        site.problem = None
        assert (await asking).login.username == "toy"


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
    assert (answer.code, answer.retry_after_seconds) == (Refusal.NO_CREDENTIAL, None)


async def test_a_key_that_nothing_can_be_sealed_to_is_named(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    await database.run(lambda: Agent.objects.update(seal_key="A" * 43 + "="))
    async with answering(database, bus):
        answer = await asked(bus, fleet_of_two.agents["one"].pk, question(fleet_of_two))
    assert answer.code is Refusal.UNFIT_KEY and "Issue a new token" in answer.message


async def test_a_mistake_of_a_forge_is_no_end_of_the_worker_and_shows_no_secret(
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
                assert (answer.code, answer.retry_after_seconds) == (Refusal.UNAVAILABLE, 1.0)
    assert "hush-hush" not in repr(lines) and "hush-hush" not in answer.message


async def test_while_no_worker_is_there_the_agent_waits_for_one(
    database: Database, bus: Bus, fleet_of_two: Fleet
) -> None:
    with capture_logs() as lines:
        async with fleet_of_two.asking("one") as asks:
            asking = asyncio.create_task(
                asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)  # type: ignore[arg-type]
            )
            await until(lambda: any("no worker" in line.get("problem", "") for line in lines))
            async with answering(database, bus):
                assert (await asking).login.username == "toy"
    said = [line for line in lines if "no worker" in line.get("problem", "")]
    assert len(said) == 1, "however often it asked"


async def test_a_worker_that_does_not_come_back_is_named_with_the_fix(bus: Bus, fleet_of_two: Fleet) -> None:
    async with fleet_of_two.asking("one", patience_seconds=0.5) as asks:
        with pytest.raises(CheckoutError, match=r"within 0.5 s: no worker .* listens. Look at its log"):
            await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)


async def test_a_bus_that_is_away_is_named(fleet_of_two: Fleet) -> None:
    fleet_of_two.server.kill()
    async with fleet_of_two.asking("one", patience_seconds=0.5) as asks:
        with pytest.raises(CheckoutError, match="the bus is away"):
            await asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)


async def test_one_who_asks_ends_at_its_only_cancellation(bus: Bus, fleet_of_two: Fleet) -> None:
    """Whatever it waits for just then: an answer, the next question, or the bus."""
    async with fleet_of_two.asking("one") as asks:
        for moment in range(40):
            asking = asyncio.create_task(
                asks.for_environment(fleet_of_two.environment.pk)(fleet_of_two.project.pk)  # type: ignore[arg-type]
            )
            await asyncio.sleep(moment / 200)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=10)
            assert done and asking.cancelled()


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


async def test_what_is_no_question_is_skipped(database: Database, bus: Bus, fleet_of_two: Fleet) -> None:
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


async def test_an_agent_hears_no_other_agent_ask(fleet_of_two: Fleet, bus: Bus) -> None:
    two = fleet_of_two.agents["two"].pk
    refusals: list[str] = []

    async def refused(error: Exception) -> None:
        refusals.append(str(error))

    client = await nats.connect(
        fleet_of_two.server.url,
        user_credentials=str(Identity.load(fleet_of_two.directory / "one").credentials_file),
        inbox_prefix=subjects.inbox_prefix(fleet_of_two.agents["one"].pk),
        error_cb=refused,
    )
    try:
        forbidden = [subjects.credentials(two), subjects.CREDENTIALS, f"{subjects.inbox_prefix(two)}.>"]
        for number, subject in enumerate(forbidden, 1):
            await client.subscribe(subject)
            await until(lambda number=number: len(refusals) == number)  # type: ignore[misc]
        await client.publish(subjects.credentials(two), b"{}")
        await until(lambda: len(refusals) == len(forbidden) + 1)
    finally:
        await client.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
