"""An agent can do its work with exactly its permissions, and cannot touch anything of another agent."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js.kv import KeyValue

from seatrial.control.bus import Bus, BusRefused, revoke
from seatrial.control.configuration import Configuration
from seatrial.control.fleet import nats_jwt
from seatrial.control.fleet.agent_tokens import agent_token
from seatrial.replay import entries
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.evaluations import EvaluationStarted
from seatrial.wire.logs import LogChunk, LogLine
from tests.bus.servers import NatsServer

pytestmark = pytest.mark.nats
WAIT_SECONDS = 60


class AgentClient:
    def __init__(self, name: str, server: NatsServer, directory: Path) -> None:
        self.name = name
        self.server = server
        self.seed = nats_jwt.new_seed(nats_jwt.USER)
        self.refusals: list[str] = []
        self.credentials = directory / f"{name}.creds"
        token = agent_token(server.identity.signing_seed.read_bytes(), name, nats_jwt.public_key(self.seed))
        self.credentials.write_text(nats_jwt.credentials(token, self.seed))

    async def connect(self) -> Client:
        async def refused(error: Exception) -> None:
            self.refusals.append(str(error))

        return await nats.connect(
            self.server.url,
            user_credentials=str(self.credentials),
            inbox_prefix=subjects.inbox_prefix(self.name),
            error_cb=refused,
            connect_timeout=WAIT_SECONDS,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
        )

    async def turned_away(self) -> bool:
        """Whether the server refuses the agent. A server that is away does not count: it says nothing."""
        before = len(self.refusals)
        with pytest.raises(nats.errors.Error):
            await self.connect()
        return any("Authorization Violation" in said for said in self.refusals[before:])

    async def refused(self, client: Client) -> bool:
        """Whether the server reports a refusal, which may come after its answer to a ping."""
        await client.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while not self.refusals:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        return bool(self.refusals)


@pytest.fixture
def agent(nats_server: NatsServer, tmp_path: Path) -> AgentClient:
    return AgentClient("AGENTA", nats_server, tmp_path)


@pytest.fixture
async def connected(agent: AgentClient, bus: Bus) -> AsyncIterator[Client]:
    await bus.ensure_bucket("AGENTA")
    await bus.ensure_bucket("AGENTB")
    client = await agent.connect()
    yield client
    await client.close()


def watched(client: Client, agent: str) -> AsyncGenerator[KeyValue.Entry | None]:
    return entries(client.jetstream(), agent)


async def test_watches_its_own_desired_state(bus: Bus, agent: AgentClient, connected: Client) -> None:
    await bus.desire("AGENTA", "env1", Envelope.wrap(EvaluationStarted(evaluation="x")))
    async with asyncio.timeout(WAIT_SECONDS), contextlib.aclosing(watched(connected, "AGENTA")) as watcher:
        first = await anext(watcher)
        assert first is not None and first.key == "env1"
        assert await anext(watcher) is None  # the replay is over
        await bus.desire("AGENTA", "env1", None)
        gone = await anext(watcher)
        assert gone is not None and gone.operation == "DEL"
    bucket = await connected.jetstream().key_value(subjects.desired_bucket("AGENTA"))
    assert (await bucket.watch("env1")) is not None
    assert not agent.refusals


async def test_takes_evaluations_and_reports(bus: Bus, agent: AgentClient, connected: Client) -> None:
    beats = await bus.client.subscribe(subjects.HEARTBEATS)
    await bus.publish(subjects.evaluation_jobs("w1"), Envelope.wrap(EvaluationStarted(evaluation="e1")))
    jetstream = connected.jetstream()
    pull = await jetstream.pull_subscribe_bind(subjects.EVALUATIONS_CONSUMER, stream=subjects.JOBS_STREAM)
    (job,) = await pull.fetch(1, timeout=WAIT_SECONDS)
    await job.in_progress()
    await job.ack_sync()
    started = Envelope.wrap(EvaluationStarted(evaluation="e1"))
    subject = subjects.observed("AGENTA", started.kind)
    for expected_duplicate in (None, True):
        ack = await jetstream.publish(subject, started.encode(), headers={"Nats-Msg-Id": started.id})
        assert ack.stream == subjects.OBSERVED_STREAM
        assert ack.duplicate is expected_duplicate
    chunk = LogChunk(
        environment="e", deployment="d", service="web", lines=[LogLine(source="build", text="hi")]
    )
    ack = await jetstream.publish(subjects.logs("AGENTA", "e", "d", "web"), Envelope.wrap(chunk).encode())
    assert ack.stream == subjects.LOGS_STREAM
    await connected.publish(subjects.heartbeat("AGENTA"), Envelope.wrap(Heartbeat(release="1")).encode())
    assert (await beats.next_msg(timeout=WAIT_SECONDS)).subject == subjects.heartbeat("AGENTA")
    assert not agent.refusals


@pytest.mark.parametrize(
    "subject",
    [
        subjects.heartbeat("AGENTB"),
        subjects.credentials("AGENTB"),
        subjects.observed("AGENTB", "DeploymentReady"),
        subjects.logs("AGENTB", "e", "d", "web"),
        subjects.evaluation_jobs("w1"),
        "$KV.desired-AGENTA.env1",  # not even its own desired state
        "$KV.desired-AGENTB.env1",
        "$JS.API.STREAM.LIST",
        "$JS.API.STREAM.DELETE.KV_desired-AGENTA",
        "$JS.API.STREAM.INFO.KV_desired-AGENTB",
        "$JS.API.DIRECT.GET.KV_desired-AGENTB.$KV.desired-AGENTB.env1",
        # A direct get answers as it was stored: a deletion of its own, copied under a key of another's bucket.
        "$JS.API.DIRECT.GET.KV_desired-AGENTA",
        "$JS.API.DIRECT.GET.KV_desired-AGENTA.$KV.desired-AGENTA.env1",
        "$JS.API.STREAM.MSG.GET.KV_desired-AGENTA",
        "$JS.API.CONSUMER.CREATE.KV_desired-AGENTB",
        "$JS.API.CONSUMER.CREATE.OBSERVED",
        "$JS.API.CONSUMER.MSG.NEXT.OBSERVED.control",
        "$JS.API.CONSUMER.DELETE.JOBS.evaluations",
        "_INBOX_AGENTB.x",
        subjects.ask_host("AGENTB"),
        subjects.host_answer("AGENTB", "question"),
    ],
)
async def test_may_not_publish_there(agent: AgentClient, connected: Client, subject: str) -> None:
    await connected.publish(subject, b"{}")
    assert await agent.refused(connected), f"{subject} was allowed"


@pytest.mark.parametrize(
    "subject",
    [
        "_INBOX_AGENTB.>",
        "_INBOX.>",
        "seatrial.agents.AGENTA.>",
        "seatrial.agents.AGENTB.>",
        subjects.credentials("AGENTB"),
        subjects.CREDENTIALS,
        subjects.ask_host("AGENTB"),
        subjects.host_answer("AGENTB", "question"),
        "$KV.desired-AGENTB.>",
        ">",
    ],
)
async def test_may_not_listen_there(agent: AgentClient, connected: Client, subject: str) -> None:
    await connected.subscribe(subject)
    assert await agent.refused(connected), f"{subject} was allowed"


async def test_a_reply_subject_can_garble_anothers_desired_state_but_not_delete_it(
    bus: Bus, agent: AgentClient, connected: Client, tmp_path: Path
) -> None:
    """The bus does not ask who may write to a reply subject; docs/security.md says what follows."""
    await bus.desire("AGENTB", "env1", Envelope.wrap(EvaluationStarted(evaluation="x")))
    other = await AgentClient("AGENTB", agent.server, tmp_path).connect()
    watcher = watched(other, "AGENTB")
    first = await anext(watcher)
    assert first is not None and first.key == "env1"
    assert await anext(watcher) is None  # the replay is over
    await connected.publish(
        "$JS.API.STREAM.INFO.KV_desired-AGENTA",
        b"",
        reply="$KV.desired-AGENTB.env1",
        headers={"KV-Operation": "DEL"},
    )
    async with asyncio.timeout(WAIT_SECONDS):
        garbled = await anext(watcher)
    assert garbled is not None and garbled.key == "env1" and garbled.operation is None, (
        "nothing that B takes for a deletion"
    )
    with pytest.raises(WireError):  # B leaves it as it is
        Envelope.decode(garbled.value or b"")
    await watcher.aclose()
    assert (await bus.desired("AGENTB")).desired == {"env1": None}, "the reconciler puts it again"
    await other.close()


async def test_revoked_agent_is_cut_off_and_stays_out_after_a_restart(
    agent: AgentClient, connected: Client, nats_server: NatsServer, configuration: Configuration, bus: Bus
) -> None:
    identity = nats_server.identity
    token = identity.revoke(nats_jwt.public_key(agent.seed))
    await revoke(configuration, str(identity.system_credentials), token)
    async with asyncio.timeout(WAIT_SECONDS):
        while connected.is_connected:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await agent.turned_away()
    nats_server.kill()
    nats_server.start()
    assert await agent.turned_away()


async def test_a_revocation_that_the_bus_does_not_take_is_an_error(
    nats_server: NatsServer, configuration: Configuration
) -> None:
    with pytest.raises(BusRefused, match=r"does not accept the account's new token: .*expected 3 chunks"):
        await revoke(configuration, str(nats_server.identity.system_credentials), "no token")


async def test_a_moved_bus_knows_whom_it_knew_and_whom_it_revoked(
    agent: AgentClient, connected: Client, nats_server: NatsServer, tmp_path: Path
) -> None:
    gone = AgentClient("AGENTB", nats_server, tmp_path)
    nats_server.identity.revoke(nats_jwt.public_key(gone.seed))
    nats_server.kill()
    (tmp_path / "moved").mkdir()
    (tmp_path / "keys").rename(tmp_path / "moved" / "keys")
    moved = NatsServer(nats_server.program, tmp_path / "moved")
    moved.start()
    try:
        assert not (tmp_path / "keys").exists(), "nothing is written where it was"
        agent.server = gone.server = moved
        await (await agent.connect()).close()
        assert await gone.turned_away()
    finally:
        moved.kill()


def test_identity_is_made_once(nats_server: NatsServer) -> None:
    from seatrial.control.fleet.bus_identity import ensure

    before = {p.name: p.read_bytes() for p in nats_server.identity.directory.iterdir() if p.is_file()}
    ensure(nats_server.identity.directory)
    after = {p.name: p.read_bytes() for p in nats_server.identity.directory.iterdir() if p.is_file()}
    assert before == after != {}
    assert all((nats_server.identity.directory / n).stat().st_mode & 0o077 == 0 for n in after)
