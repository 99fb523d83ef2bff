"""Two agents of one fleet on a real bus, a forge that gives credentials, and workers that answer the agents."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from seatrial.agent.bus.connection import Bus as AgentBus
from seatrial.agent.bus.credentials import BusCredentials
from seatrial.agent.bus.identity import Credential as Registered
from seatrial.agent.bus.identity import Identity
from seatrial.control.bus import Bus
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.control.fleet.models import Agent
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.control.worker.credentials import Credentials
from seatrial.control.worker.database import Database
from seatrial.wire import subjects
from seatrial.wire.credentials import AskCredential
from seatrial.wire.envelope import Envelope
from tests import factories
from tests.bus.servers import NatsServer
from tests.forges.toy import ToySite, registration
from tests.waiting import LIMIT_SECONDS


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


def question(scene: Fleet, **changed: str) -> AskCredential:
    return AskCredential(**{"environment": scene.environment.pk, "repository": scene.project.pk, **changed})


async def asked(bus: Bus, agent: str, about: AskCredential) -> Any:
    """What the bus would bring `agent`, asked as the control plane, which may listen to every inbox."""
    inbox = f"{subjects.inbox_prefix(agent)}.test"
    subscription = await bus.client.subscribe(inbox)
    await bus.client.publish(subjects.credentials(agent), Envelope.wrap(about).encode(), reply=inbox)
    reply = await subscription.next_msg(timeout=LIMIT_SECONDS)
    await subscription.unsubscribe()
    return Envelope.decode(reply.data).open()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
