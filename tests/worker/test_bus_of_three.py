"""A bus of three nodes under load: one after the other is killed (-9), and nothing is lost, nothing comes twice, nobody notices."""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import httpx
import nats.errors
import pytest
from nats.js.errors import APIError

from seatrial.agent.bus.connection import Bus as AgentBus
from seatrial.agent.bus.publisher import BusReports
from seatrial.control import streams
from seatrial.control.accounts.tokens import issue
from seatrial.control.audit.actors import Actor
from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire import subjects
from seatrial.wire.credentials import AskCredential, CredentialRefused
from seatrial.wire.envelope import Envelope
from seatrial.wire.logs import LogChunk, LogLine
from tests import factories
from tests.bus.cluster import Cluster, caught_up
from tests.waiting import LIMIT_SECONDS, until
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import PLAIN, InBackground, Stack, eventually, started
from tests.worker.test_main_job import wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik, pytest.mark.slow]


T = TypeVar("T")


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    with started(Stack(tmp_path, Cluster)) as stack:
        yield stack


async def asked(cluster: Cluster, ask: Callable[[Bus], Awaitable[T]]) -> T:
    """What the control plane would hear."""
    configuration = Configuration(
        galley_nats_url=cluster.url,
        galley_nats_credentials=cluster.identity.control_credentials,
        gitgrit_custom_ca_file_path=cluster.authorities,
    )
    bus = await Bus.connect(configuration, name="test control")
    try:
        return await until(
            lambda: ask(bus), not_yet=(nats.errors.Error, APIError, TimeoutError), what="an answer"
        )
    finally:
        await bus.close()


async def copies(bus: Bus) -> set[int | None]:
    listed = await streams.every(bus.client)
    return {info.config.num_replicas for info in listed.infos} | ({None} if listed.silent else set())


async def leader(bus: Bus) -> str:
    """Of the stream that agents report to."""
    cluster = (await bus.jetstream.stream_info(subjects.OBSERVED_STREAM)).cluster
    return str(cluster.leader or "") if cluster else ""


async def stored(bus: Bus) -> list[str]:
    """Every log line, as it lies there."""
    state = (await bus.jetstream.stream_info(subjects.LOGS_STREAM)).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        raw = await bus.jetstream.get_msg(subjects.LOGS_STREAM, sequence)
        chunk = Envelope.decode(raw.data or b"").open()
        assert isinstance(chunk, LogChunk)
        found += [line.text for line in chunk.lines if line.source == "service"]
    return found


class Load:
    """What goes on all the time: log lines, questions for credentials, people who look, heartbeats (the agent's own)."""

    def __init__(self, stack: Stack, agent: ScriptedAgent, question: AskCredential, token: str) -> None:
        self.stack, self.agent, self.question = stack, agent, question
        self.headers = {"Authorization": f"Bearer {token}"}
        self.lines = self.asked = self.answered = self.looked = 0
        self.wrong: set[str] = set()
        self.bus = AgentBus(stack.nats.url, agent.credentials, agent.id, stack.nats.context)
        self.reports = BusReports(self.bus)
        self.over = threading.Event()

    async def work(self) -> None:
        """Until it is over, and all that was begun is done."""
        running = [asyncio.create_task(self.bus.run()), asyncio.create_task(self.reports.run())]
        looking = asyncio.create_task(asyncio.to_thread(self._look))
        asking = asyncio.create_task(self._ask())
        while not self.over.is_set():
            self.lines += 1
            line = LogLine(source="service", text=str(self.lines))
            chunk = LogChunk(
                environment=self.question.environment, deployment="d", service="web", lines=[line]
            )
            await self.reports.log(chunk, workspace="")
            await asyncio.sleep(0.05)
        await asyncio.gather(looking, asking)
        while self.reports._chunks:  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.05)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _ask(self) -> None:
        """As agents do: again, until there is an answer."""
        while not self.over.is_set() or self.asked > self.answered:
            self.asked = self.answered + 1
            with contextlib.suppress(Exception):
                client = await self.bus.client()
                data = Envelope.wrap(self.question).encode()
                reply = await client.request(subjects.credentials(self.agent.id), data, timeout=2)
                message = Envelope.decode(reply.data).open()
                if isinstance(message, CredentialRefused) and message.code == "no_credential":
                    self.answered += 1
            await asyncio.sleep(0.2)

    def _look(self) -> None:
        pages = ("/api/v1/status", "/healthz", f"/api/v1/environments/{self.question.environment}")
        while not self.over.is_set():
            for page in pages:
                answer = httpx.get(
                    f"{self.stack.url}{page}", headers=self.headers, timeout=LIMIT_SECONDS, **PLAIN
                )
                self.looked += 1
                if answer.status_code != 200:
                    self.wrong.add(f"{page}: {answer.status_code} {answer.text[:200]}")
                elif page.endswith("status"):
                    self.wrong |= {
                        f"agent {one['name']} is {one['state']}"
                        for one in answer.json()["agents"]
                        if one["state"] != "online"
                    }
            time.sleep(0.3)


def test_nodes_killed_under_load_lose_nothing_and_repeat_nothing(
    stack: Stack,
    agent: ScriptedAgent,
    project: Project,
    repository: Repository,
    background: InBackground,
    chance: random.Random,
    request: pytest.FixtureRequest,
) -> None:
    cluster = stack.nats
    assert isinstance(cluster, Cluster)
    long = bool(request.config.getoption("--campaign-seed"))
    factories.policy(project.workspace, "Has readme")
    heads = [repository.commit("feature", "first")]
    open_pull(project)
    wait_for(stack, heads[-1])
    eventually(lambda: background.run(asked(cluster, copies)) == {3}, what="three copies of everything")
    background.run(asked(cluster, caught_up))
    environment = Environment.objects.get()
    token = issue(factories.user(is_superuser=True), "load", by=Actor.person("test"))
    load = Load(stack, agent, AskCredential(environment=environment.pk, repository=project.pk), token)
    working = asyncio.run_coroutine_threadsafe(load.work(), background.loop)
    try:
        for turn in range(chance.randint(4, 8) if long else 2):
            leads = background.run(asked(cluster, leader))
            victims = [leads, *chance.sample(sorted(cluster.nodes.keys() - {leads}), k=2)]
            if turn % 2:
                victims.reverse()
            # In a campaign also most of them: then nothing is stored until one of them is back.
            victims = victims[: chance.choice([1, 1, 2]) if long else 1]
            for victim in victims:
                cluster.nodes[victim].kill()
            heads.append(repository.commit("feature", f"turn {turn}"))
            open_pull(project)
            if len(victims) == 1:
                wait_for(stack, heads[-1], seconds=LIMIT_SECONDS)
            else:
                time.sleep(chance.random() * 20)
            for victim in victims:
                cluster.nodes[victim].start()
            wait_for(stack, heads[-1], seconds=LIMIT_SECONDS)
        looked = load.looked
        eventually(lambda: load.looked > looked + 3 and load.answered > 3, what="all goes on")
    finally:
        load.over.set()
    working.result(LIMIT_SECONDS)
    assert not load.wrong, load.wrong
    lines = background.run(asked(cluster, stored), 120)
    assert lines == [str(number) for number in range(1, load.lines + 1)], "each once, in order"
    eventually(lambda: not OutboxMessage.objects.filter(published_at=None).exists(), what="all is published")
    eventually(
        Evaluation.objects.filter(commit=heads[-1], state="passed").exists,
        seconds=LIMIT_SECONDS,
        what="a verdict",
    )
    assert not Evaluation.objects.filter(state="errored").exists()
    assert Evaluation.objects.count() == len(set(heads))
    assert Agent.objects.get(pk=agent.id).state == "online"
