"""The agent's side of the bus, with a real nats-server and exactly the permissions an agent is given."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import nkeys
import pytest
from nats.js import api

from seatrial.agent.bus import connection, publisher
from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.desired import DesiredStates
from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.bus.jobs import Jobs
from seatrial.agent.bus.publisher import BusReports
from seatrial.agent.heartbeat.beat import LAST, beat
from seatrial.control.bus import Bus as ControlBus
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.deployments import (
    DeploymentFailed,
    DesiredEnvironment,
    EnvironmentRemoved,
    PreviewAddress,
    Source,
)
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.evaluations import RunEvaluation
from seatrial.wire.logs import LogChunk, LogLine
from tests.bus.conftest import bus as control
from tests.bus.conftest import configuration, nats_server
from tests.bus.servers import NatsServer
from tests.waiting import LIMIT_SECONDS, until

pytestmark = [pytest.mark.nats, pytest.mark.usefixtures("patience")]
__all__ = ["configuration", "control", "nats_server"]

AGENT = "01AGENT"


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make calls wait until their report is stored, also on a slow machine."""
    monkeypatch.setattr(publisher, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def identity(tmp_path: Path, nats_server: NatsServer) -> Identity:
    identity = Identity.load(tmp_path / "identity")
    token = agent_token(nats_server.identity.signing_seed.read_bytes().strip(), AGENT, identity.public_key)
    identity.keep(Credential(agent=AGENT, name="a", nats_url=nats_server.url, user_jwt=token))
    return identity


@pytest.fixture
async def mine(identity: Identity, nats_server: NatsServer, control: ControlBus) -> AsyncIterator[Bus]:
    await control.ensure_bucket(AGENT)
    mine = Bus(nats_server.url, identity.credentials_file, AGENT)
    running = asyncio.create_task(mine.run())
    yield mine
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def wanted(self, desired: DesiredEnvironment) -> None:
        self.heard.append(f"{desired.environment}@{desired.revision}")

    def unwanted(self, environment: str) -> None:
        self.heard.append(f"no {environment}")

    def replayed(self, environments: set[str]) -> None:
        self.heard.append(f"all {sorted(environments)}")


def desired(name: str, revision: int) -> Envelope:
    return Envelope.wrap(
        DesiredEnvironment(
            environment=name,
            name=name,
            workspace="w",
            project="p",
            repository="r",
            number=1,
            revision=revision,
            source=Source(clone_url="/r"),
            address=PreviewAddress(),
        )
    )


async def put(control: ControlBus, name: str, revision: int) -> None:
    bucket = await control.jetstream.key_value(subjects.desired_bucket(AGENT))
    await bucket.put(name, desired(name, revision).encode())


async def test_desired_state_is_replayed_then_watched_and_again_after_the_server_was_killed(
    mine: Bus, control: ControlBus, nats_server: NatsServer
) -> None:
    await put(control, "e1", 1)
    bucket = await control.jetstream.key_value(subjects.desired_bucket(AGENT))
    listener = Listener()
    watching = asyncio.create_task(DesiredStates(mine).run(listener))
    try:
        await until(lambda: listener.heard == ["e1@1", "all ['e1']"])
        await put(control, "e2", 2)
        await bucket.put("broken", b"not an envelope")
        await bucket.delete("e1")
        await until(lambda: listener.heard[2:] == ["e2@2", "no e1"])
        listener.heard.clear()
        nats_server.kill()
        await asyncio.sleep(0.3)
        nats_server.start()
        await until(lambda: "all ['broken', 'e2']" in listener.heard)
        assert "e2@2" in listener.heard, "what cannot be read is never taken for deleted"
        await until(lambda: control.client.is_connected)
        await put(control, "e2", 3)
        await until(lambda: listener.heard[-1] == "e2@3")
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_an_empty_bucket_is_a_full_replay_of_nothing(mine: Bus) -> None:
    listener = Listener()
    watching = asyncio.create_task(DesiredStates(mine).run(listener))
    await until(lambda: listener.heard == ["all []"])
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def stored(control: ControlBus, stream: str) -> list[Envelope]:
    state = (await control.jetstream.stream_info(stream)).state
    raw = [
        await control.jetstream.get_msg(stream, seq)
        for seq in range(max(1, state.first_seq), state.last_seq + 1)
    ]
    return [Envelope.decode(message.data or b"") for message in raw if message.data]


async def at_least(count: int, control: ControlBus, stream: str) -> list[Envelope]:
    """The stored messages, as soon as there are `count` of them."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(messages := await stored(control, stream)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return messages


async def test_reports_keep_their_order_over_an_outage(
    mine: Bus, control: ControlBus, nats_server: NatsServer
) -> None:
    reports = BusReports(mine)
    sending = asyncio.create_task(reports.run())
    await mine.client()

    async def report(number: int) -> None:
        removed = EnvironmentRemoved(environment=f"e{number}")
        await reports.observed(removed, workspace="w", about=f"environment/e{number}")

    try:
        await report(0)
        assert len(await stored(control, subjects.OBSERVED_STREAM)) == 1, "stored when the call returns"
        nats_server.kill()
        await until(lambda: not mine.connected)
        for number in range(1, 20):
            await report(number)
        chunk = LogChunk(
            environment="e", deployment="d", service="web", lines=[LogLine(source="service", text="x")]
        )
        await reports.log(chunk, workspace="w")
        nats_server.start()
        await mine.client()
        await report(20)
        await until(lambda: control.client.is_connected)
        envelopes = await at_least(21, control, subjects.OBSERVED_STREAM)
        assert [envelope.payload["environment"] for envelope in envelopes] == [f"e{n}" for n in range(21)]
        assert len(await at_least(1, control, subjects.LOGS_STREAM)) == 1
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_message_that_is_not_text_is_reported_all_the_same(mine: Bus, control: ControlBus) -> None:
    reports = BusReports(mine)
    sending = asyncio.create_task(reports.run())
    await mine.client()
    name = os.fsdecode(b"caf\xe9.txt")
    failure = DeploymentFailed(
        environment="e1", deployment="d1", reason="bad_recipe", message=f"no {name}", log_tail=[name]
    )
    await reports.observed(failure, workspace="w", about="deployment/d1")
    (envelope,) = await stored(control, subjects.OBSERVED_STREAM)
    assert envelope.payload["message"] == "no caf?.txt" and envelope.payload["log_tail"] == ["caf?.txt"]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


def test_a_message_that_is_not_json_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match=r"Odd .* is no JSON"):
        Envelope(kind="Odd", version=1, payload={"what": object()}).encode()


async def test_jobs_are_fetched_kept_and_acknowledged(mine: Bus, control: ControlBus) -> None:
    jobs = Jobs(mine)
    assert await jobs.fetch(0.2) is None
    job = RunEvaluation(
        evaluation="v1",
        workspace="w",
        project="p",
        repository="r",
        source=Source(clone_url="/r"),
        commit="a" * 40,
        policies=[],
    )
    await control.jetstream.publish(subjects.evaluation_jobs("w"), Envelope.wrap(job).encode())
    fetched = await jobs.fetch(60)
    assert fetched is not None and isinstance(fetched.message, RunEvaluation)
    await fetched.in_progress()
    await fetched.ack()
    assert fetched.deliveries == 1 and await jobs.fetch(0.2) is None


async def test_an_unreadable_job_is_dropped(mine: Bus, control: ControlBus) -> None:
    await control.jetstream.publish(subjects.evaluation_jobs("w"), b"nonsense")
    assert await Jobs(mine).fetch(60) is None
    state: api.StreamState | None = None
    async with asyncio.timeout(LIMIT_SECONDS):
        while state is None or state.messages:
            await asyncio.sleep(0.05)
            state = (await control.jetstream.stream_info(subjects.JOBS_STREAM)).state


async def test_a_heartbeat_on_every_connection(
    mine: Bus, control: ControlBus, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("seatrial.agent.heartbeat.beat.HEARTBEAT_SECONDS", 3600.0)
    heard: list[str] = []
    stopping: list[bool] = []
    sessions: list[int] = []
    subscription = await control.client.subscribe(subjects.HEARTBEATS)
    await control.client.flush()  # the server knows of it

    async def heartbeat() -> Heartbeat:
        sessions.append(mine.session)
        return Heartbeat(release="1")

    async def listen() -> None:
        async for message in subscription.messages:
            heard.append(subjects.agent_of(message.subject))
            said = Envelope.decode(message.data).open()
            assert isinstance(said, Heartbeat)
            stopping.append(said.stopping)

    tasks = [asyncio.create_task(listen()), asyncio.create_task(beat(mine, heartbeat, tmp_path))]
    await until(lambda: heard == [AGENT])
    assert (tmp_path / LAST).exists()  # what a health check from outside looks at
    nats_server.kill()
    nats_server.start()
    await until(lambda: sessions == [1, 2])  # not heard: who listens may be back later
    await until(lambda: control.client.is_connected)
    await control.client.flush()
    tasks[1].cancel()
    await until(lambda: stopping[-1])  # it says that it was stopped
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_bus_that_knows_the_agent_does_not_refuse_it(
    identity: Identity, nats_server: NatsServer
) -> None:
    assert not await Bus(nats_server.url, identity.credentials_file, AGENT).refuses()


async def test_a_bus_of_another_install_refuses_it(tmp_path: Path, nats_server: NatsServer) -> None:
    """As after `down -v`: the bus has another signing key, and the agent's data directory is the old one."""
    stranger = Identity.load(tmp_path / "stranger")
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_ACCOUNT)
    token = agent_token(bytes(seed), AGENT, stranger.public_key)
    stranger.keep(Credential(agent=AGENT, name="a", nats_url=nats_server.url, user_jwt=token))
    assert await Bus(nats_server.url, stranger.credentials_file, AGENT).refuses()


async def test_a_bus_that_is_away_has_not_refused(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.2)
    assert not await Bus("nats://127.0.0.1:1", identity.credentials_file, AGENT).refuses()
