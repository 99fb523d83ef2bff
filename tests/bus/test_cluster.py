"""A bus of three: copies of everything, and what is said when nodes are gone."""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import nats.errors
import pytest
from nats.js import api
from nats.js.errors import APIError

from seatrial.control import nodes, streams
from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.nodes import Nodes
from seatrial.control.streams import Listed
from seatrial.dialling import Client, NoTLS
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.envelope import Envelope
from seatrial.wire.states import Isolation
from tests.bus.cluster import Cluster, caught_up
from tests.bus.servers import NatsServer
from tests.engines import require
from tests.waiting import until

pytestmark = [pytest.mark.nats, pytest.mark.slow]
ALL = {"KV_desired-A", subjects.OBSERVED_STREAM, subjects.LOGS_STREAM, subjects.JOBS_STREAM}
AWAY = (nats.errors.Error, APIError, TimeoutError)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(require("nats"), tmp_path)
    cluster.start()
    yield cluster
    cluster.kill()


def configured(cluster: Cluster, copies: int) -> Configuration:
    return Configuration(
        galley_nats_url=cluster.url,
        galley_nats_credentials=cluster.identity.control_credentials,
        gitgrit_custom_ca_file_path=cluster.authorities,
        galley_nats_replicas=copies,
    )


@contextlib.asynccontextmanager
async def connected(cluster: Cluster, copies: int) -> AsyncIterator[Bus]:
    bus = await Bus.connect(configured(cluster, copies), name="test control")
    try:
        yield bus
    finally:
        await bus.close()


async def made(bus: Bus, agent: str = "A") -> bool:
    await bus.ensure_streams()
    await bus.ensure_bucket(agent)
    return True


async def copies_of(bus: Bus) -> dict[str, int]:
    """Of each stream. One that its nodes do not tell of just now is asked for until they do."""

    async def told() -> dict[str, int]:
        listed = await streams.every(bus.client)
        return {} if listed.silent else {str(i.config.name): i.config.num_replicas or 0 for i in listed.infos}

    return await until(told, not_yet=AWAY)


async def found(bus: Bus) -> Nodes:
    seen = await nodes.look(bus)
    if seen.short and not seen.halted:
        await nodes.settle(bus)
    return seen


async def test_what_is_there_gets_the_copies_that_the_setting_asks_for_and_a_gone_node_is_named(
    cluster: Cluster,
) -> None:
    async with connected(cluster, 1) as bus:
        await until(lambda: made(bus), not_yet=AWAY, what="the nodes have found each other")
        assert set((await copies_of(bus)).values()) == {1}
        await bus.desire("A", "e1", envelope())
    async with connected(cluster, 3) as bus:
        await until(lambda: _is(bus, Nodes(copies=3)), not_yet=AWAY, what="three copies of everything")
        assert await copies_of(bus) == dict.fromkeys(ALL, 3)
        await bus.ensure_streams()
        assert await copies_of(bus) == dict.fromkeys(ALL, 3), "nothing is taken back"
        assert set((await bus.desired("A")).desired) == {"e1"}

        await until(lambda: caught_up(bus), not_yet=AWAY, what="the copies are whole")
        gone = next(
            name for name, node in cluster.nodes.items() if node.port != bus.client.connected_url.port
        )
        cluster.nodes[gone].kill()
        await until(lambda: _is(bus, Nodes((gone,), copies=3)), not_yet=AWAY, what="it is named")
        await until(lambda: made(bus, "B"), not_yet=AWAY)  # with fewer copies for now
        cluster.nodes[gone].start()
        await until(lambda: _is(bus, Nodes(copies=3)), not_yet=AWAY, what="all are back")
        assert (await copies_of(bus))["KV_desired-B"] == 3


def test_a_stream_without_a_leader_is_halted_and_a_node_that_catches_up_is_not_gone() -> None:
    def info(leader: str | None, *peers: api.PeerInfo) -> api.StreamInfo:
        cluster = api.ClusterInfo(leader=leader, name="galley", replicas=list(peers))
        config = api.StreamConfig(name="OBSERVED", num_replicas=3)
        return api.StreamInfo(config=config, state=None, cluster=cluster)  # type: ignore[arg-type]

    here = api.PeerInfo(name="one", current=True, active=400_000_000)
    behind = api.PeerInfo(name="two", current=False, active=900_000_000, lag=40)
    silent = api.PeerInfo(name="three", current=False, active=9_000_000_000)
    never = api.PeerInfo(name="three", current=False, active=0)

    def seen(*infos: api.StreamInfo, silent: Iterable[str] = ()) -> Nodes:
        return nodes.seen(Listed(list(infos), list(silent)), 3)

    assert seen(info("zero", here, behind)) == Nodes(copies=3)
    assert seen(info("zero", here, silent)) == Nodes(("three",), copies=3)
    assert seen(info(None, here, never)) == Nodes(("three",), ("OBSERVED",), copies=3)
    assert seen(info("zero", here, behind), silent=["JOBS"]) == Nodes(halted=("JOBS",), copies=3)


async def test_a_stream_that_its_nodes_do_not_tell_of_is_on_the_list_all_the_same() -> None:
    answers = [
        {"streams": [stream("OBSERVED"), stream("THEIRS")], "missing": ["JOBS", "OTHERS"], "total": 5},
        {"streams": [stream("KV_desired-A")], "total": 5},
        {"streams": None, "total": 5},
    ]
    asked = []

    class Scripted:
        async def request(self, subject: str, payload: bytes, **_: object) -> SimpleNamespace:
            asked.append(json.loads(payload)["offset"])
            return SimpleNamespace(data=json.dumps(answers[len(asked) - 1]))

    listed = await streams.every(cast(Client, Scripted()))
    assert [info.config.name for info in listed.infos] == ["OBSERVED", "KV_desired-A"]
    assert listed.silent == ["JOBS"] and asked == [0, 4, 5]
    answers[:] = [{"error": {"code": 503, "err_code": 10008, "description": "no leader"}}]
    asked.clear()
    with pytest.raises(APIError, match="no leader"):
        await streams.every(cast(Client, Scripted()))


def stream(name: str) -> dict[str, object]:
    state = {"messages": 0, "bytes": 0, "first_seq": 0, "last_seq": 0, "consumer_count": 0}
    return {"config": {"name": name}, "created": "2026-11-30T20:00:00Z", "state": state}


async def _is(bus: Bus, wanted: Nodes) -> bool:
    return await found(bus) == wanted


def envelope() -> Envelope:
    return Envelope.wrap(Heartbeat(release="1", runtime="docker", sandbox=Isolation.GVISOR))


async def test_one_node_alone_keeps_one_copy_and_it_is_said(
    nats_server: NatsServer, configuration: Configuration
) -> None:
    bus = await Bus.connect(configuration.model_copy(update={"galley_nats_replicas": 3}), name="test")
    try:
        await made(bus)
        assert set((await copies_of(bus)).values()) == {1}
        seen = await found(bus)
        assert set(seen.short) == ALL and not seen.gone and not seen.halted
    finally:
        await bus.close()


async def test_a_node_with_another_authority_is_not_let_in(cluster: Cluster, tmp_path: Path) -> None:
    async with connected(cluster, 3) as bus:
        await until(lambda: made(bus), not_yet=AWAY)
        await until(lambda: _is(bus, Nodes(copies=3)), not_yet=AWAY)
        stranger = Cluster(require("nats"), tmp_path / "other")
        node = stranger.nodes["one"]
        (at := node.command.index("--routes")) and node.command.__setitem__(
            at + 1, cluster.nodes["one"].command[-1]
        )
        node.start()
        log = node.directory / "nats.log"
        await until(lambda: "tls" in log.read_text().lower() and "error" in log.read_text().lower())
        node.kill()
        assert await _is(bus, Nodes(copies=3))


async def test_nothing_is_said_to_a_server_without_tls_behind_a_tls_address(nats_server: NatsServer) -> None:
    said: list[Exception] = []

    async def on_error(error: Exception) -> None:
        said.append(error)

    client = Client()
    with pytest.raises(nats.errors.NoServersError):
        await client.connect(
            [nats_server.url.replace("nats://", "tls://")],
            user_credentials=str(nats_server.identity.control_credentials),
            tls=ssl.create_default_context(),
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=on_error,
        )
    await client.close()
    assert any(isinstance(error, NoTLS) for error in said), said
