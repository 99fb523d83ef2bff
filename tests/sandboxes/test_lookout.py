"""Lookouts: what the program inside finds, and the container that it runs in."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.engine import Engine
from seatrial.agent.engine.sealed import sealed_config
from seatrial.agent.sandboxes import lookout as outside_of_it
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.sandboxes.lookout import Lookouts, Question
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.survey.host import NO_ENGINE, NO_IMAGE, Sandboxing, Survey
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.sandbox import lookout
from seatrial.wire.hosts import AskHost, Sight

NAME = "gitlab.acme.test"


def answer(question: bytes, *records: tuple[int, bytes], code: int = 0) -> bytes:
    """A resolver's answer with these records, their name as a pointer."""
    number = question[:2]
    head = number + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
    found = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for kind, data in records
    )
    return head + question[12:] + found


class Resolver:
    """Answers questions by UDP at an address of the loopback."""

    def __init__(self, reply: Callable[[bytes], bytes | None]) -> None:
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.port = self.line.getsockname()[1]
        self._reply = reply
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while (got := self.line.recvfrom(4096))[0]:
            reply = self._reply(got[0])
            if reply is not None:
                self.line.sendto(reply, got[1])

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(60)
        self.line.close()


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[bytes], bytes | None]], str]]:
    """Start a resolver that replies so; its address."""
    started: list[Resolver] = []

    def start(reply: Callable[[bytes], bytes | None]) -> str:
        started.append(Resolver(reply))
        monkeypatch.setattr(lookout, "DNS_PORT", started[-1].port)
        return "127.0.0.1"

    yield start
    for resolver in started:
        resolver.close()


def kind_of(question: bytes) -> int:
    return int(struct.unpack(">H", question[-4:-2])[0])


A, AAAA, CNAME = 1, 28, 5
SIX = socket.inet_pton(socket.AF_INET6, "fd00::9")


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (lambda q: answer(q, (CNAME, b"\x01g\xc0\x0c"), (A, b"\x0a\x00\x00\x09")), {"addresses": ["10.0.0.9"]}),
        (lambda q: answer(q, *([(AAAA, SIX)] if kind_of(q) == AAAA else [])), {"addresses": ["fd00::9"]}),
        (answer, {"problem": "has no address for it"}),
        (lambda q: answer(q, code=3), {"problem": "knows no such name"}),
        (lambda q: answer(q, code=5), {"problem": "refuses"}),
        (lambda q: answer(q, code=9), {"problem": "answers with error 9"}),
        (lambda q: bytes([q[0] ^ 1]) + answer(q)[1:], {"problem": "sent something that is no answer"}),
        (lambda q: answer(q, (A, b"\x0a\x00")), {"problem": "sent an answer that cannot be read"}),
        (lambda q: b"\xff", {"problem": "sent an answer that cannot be read"}),
        (lambda q: None, {"problem": "timed out"}),
    ],
)  # fmt: skip
def test_a_resolver_is_asked_itself(
    resolving: Any, reply: Callable[[bytes], bytes | None], found: dict[str, Any]
) -> None:
    server = resolving(reply)
    seen = lookout.look([NAME], [server], [], 2.0 if found != {"problem": "timed out"} else 1.0)
    assert seen["servers"] == {f"{NAME} {server}": found} and seen["names"] == {}


@settings(max_examples=200)
@given(st.binary(max_size=80))
def test_no_answer_is_a_traceback(data: bytes) -> None:
    try:
        assert isinstance(lookout.addresses(data, 7, A, socket.AF_INET), list)
    except lookout.NoAnswer as error:
        assert str(error)


@given(st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,80}[A-Za-z0-9_])?\.?", fullmatch=True))
def test_any_name_that_may_be_asked_for_is_a_question_or_refused(name: str) -> None:
    AskHost(names=[name])
    try:
        assert len(lookout.question(name, A, 7)) == 12 + len(name.rstrip(".")) + 6
    except lookout.NoAnswer as error:
        assert "is no name" in str(error)


def test_without_resolvers_the_containers_own_is_asked_and_connections_are_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        seen = lookout.look(["localhost"], [], [("127.0.0.1", port), ("127.0.0.1", 1)], 10.0)
    assert "127.0.0.1" in seen["names"]["localhost"]["addresses"]  # type: ignore[index]
    assert seen["outside"] == {
        f"127.0.0.1 {port}": {"addresses": ["127.0.0.1"]},
        "127.0.0.1 1": {"problem": "[Errno 111] Connection refused"},
    }


def test_what_has_no_answer_in_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(lookout, "looked_up", lambda _: ended.wait(60))
    try:
        assert lookout.look([NAME], [], [], 0.05)["names"] == {NAME: {"problem": "no answer in time"}}
    finally:
        ended.set()


def test_the_loopback_alone_is_no_network() -> None:
    assert not lookout.networked(lambda: [(1, "lo")])
    assert lookout.networked(lambda: [(1, "lo"), (2, "eth0")])


class Line:
    """A container's streams, which say this."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> Any:
        from seatrial.agent.engine.attached import Said

        return Said(self.pieces.pop(0), error=False) if self.pieces else None

    async def close(self) -> None:
        return


class Containers:
    """An engine's containers, of which each says the same."""

    def __init__(self, said: bytes, *, gone: str = "") -> None:
        self.said, self.gone = said, gone
        self.there: dict[str, Any] = {}
        self.made: list[dict[str, Any]] = []
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def create_sealed(self, spec: Any) -> None:
        self.there[spec.name] = sealed_config(spec)
        self.made.append(self.there[spec.name])

    async def runtime(self, name: str) -> str:
        if self.gone:
            raise RuntimeUnavailable(self.gone)
        return str(self.there[name]["HostConfig"]["Runtime"]) or "runc"

    async def attach(self, name: str) -> Line:
        return Line(self.said)

    async def start(self, name: str) -> None:
        await self.hangs.wait()

    async def remove(self, name: str) -> None:
        self.there.pop(name, None)

    async def ids(self, labels: Any) -> list[str]:
        return list(self.there)


class FakeEngine:
    """As much of an engine as a survey uses."""

    def __init__(self, said: object = None, *, gvisor: bool = True, gone: str = "") -> None:
        self.containers = Containers(
            said if isinstance(said, bytes) else json.dumps(said).encode() + b"\n", gone=gone
        )
        self.gvisor = gvisor

    async def machine(self) -> Any:
        from seatrial.agent.engine import Machine

        return Machine(2, self.gvisor, "28.1")


class Image:
    def __init__(self, name: str | None = "gitgrit-sandbox:1") -> None:
        self.name = name

    async def present(self) -> str | None:
        return self.name


SAID = {
    "kernel": "4.4.0",
    "networked": False,
    "servers": {},
    "names": {},
    "outside": {"::1 443": {"problem": "no"}},
}


def survey(engine: FakeEngine, *, image: str | None = "gitgrit-sandbox:1", **options: Any) -> Survey:
    return Survey(Sandboxing(engine, Image(image), Lookouts(engine, "a")), **options)  # type: ignore[arg-type]


async def test_a_lookout_has_the_walls_of_a_sandbox_and_is_gone_afterwards() -> None:
    engine = FakeEngine(SAID)
    report = await survey(engine).report(AskHost(names=[NAME]))
    [config] = engine.containers.made
    host = config["HostConfig"]
    assert (host["Runtime"], host["NetworkMode"], host["CapDrop"], host["CapAdd"]) == (
        "runsc",
        "none",
        ["ALL"],
        [],
    )
    assert host["ReadonlyRootfs"] and host["AutoRemove"] and host["SecurityOpt"] == ["no-new-privileges"]
    assert json.loads(config["Cmd"][0])["names"] == [NAME] and json.loads(config["Cmd"][0])["outside"] == []
    assert report.sight == Sight(
        runtime="runsc", own_kernel=True, outside=[{"target": "[::1]:443", "problem": "no"}]
    )
    assert (report.engine, report.runsc, report.beside, engine.containers.there) == ("28.1", True, None, {})


async def test_where_gvisor_has_no_network_an_ordinary_container_looks_too() -> None:
    engine = FakeEngine(SAID)
    report = await survey(engine, network="gitgrit_internal", servers=("10.0.0.53",)).report(
        AskHost(names=[NAME])
    )
    assert [one["HostConfig"]["Runtime"] for one in engine.containers.made] == ["runsc", ""]
    assert {one["HostConfig"]["NetworkMode"] for one in engine.containers.made} == {"gitgrit_internal"}
    assert report.beside is not None and report.beside.runtime == "runc"
    assert (report.network, report.servers, engine.containers.there) == (
        "gitgrit_internal",
        ["10.0.0.53"],
        {},
    )
    engine = FakeEngine({**SAID, "networked": True})
    assert (await survey(engine, network="gitgrit_internal").report(AskHost())).beside is None


@pytest.mark.parametrize("said", [b"", b"nothing\n", b"[1]\n", b'{"kernel"', b"x" * 100_000])
async def test_a_lookout_that_says_something_else_is_a_problem(said: bytes) -> None:
    engine = FakeEngine(said)
    report = await survey(engine).report(AskHost())
    assert report.sight is None and "ended without an answer" in report.sight_problem
    assert engine.containers.there == {}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {
            "servers": [1],
            "names": "x",
            "outside": {"a": 1, "b c": {"addresses": 5}, "d 1": {}},
            "kernel": None,
        },
    ],
)
async def test_and_whatever_else_it_says_is_taken_as_far_as_it_goes(said: object) -> None:
    assert (await survey(FakeEngine(said)).report(AskHost())).sight is not None


async def test_what_is_not_there_is_said() -> None:
    assert (await Survey(None).report(AskHost())).engine_problem == NO_ENGINE
    report = await survey(FakeEngine(SAID), image=None).report(AskHost())
    assert (report.sight, report.sight_problem, report.sandbox_image) == (None, NO_IMAGE, "")
    gone = await survey(FakeEngine(SAID, gone="the engine does not answer")).report(AskHost())
    assert "the engine does not answer" in gone.sight_problem


async def test_a_lookout_that_hangs_or_is_cancelled_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(SAID)
    engine.containers.hangs.clear()
    looking = asyncio.create_task(survey(engine).report(AskHost()))
    while not engine.containers.there:  # noqa: ASYNC110
        await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert engine.containers.there == {}
    monkeypatch.setattr(outside_of_it, "STAY_SECONDS", 0.05)
    report = await survey(engine).report(AskHost())
    assert "said nothing within 0.05 s" in report.sight_problem and engine.containers.there == {}


@pytest.mark.docker
@pytest.mark.gvisor
async def test_on_a_real_engine_it_is_gvisor_and_nothing_is_left(engine: Engine, tmp_path: Any) -> None:
    from tests.engines import require

    require("gvisor")
    _, images, _ = docker_builds(engine, tmp_path / "builds", "isolated")
    image = SandboxImage(engine, images, find_program())

    async def quiet(_: str) -> None:
        return

    await image.ensure(quiet)
    lookouts = Lookouts(engine, f"test-{tmp_path.name}")
    name = await image.present()
    assert name is not None
    seen = await lookouts.look(name, Question(names=["localhost"]), gvisor=True, network="")
    assert (seen.runtime, seen.own_kernel, seen.networked) == ("runsc", True, False)
    assert [attempt.addresses for attempt in seen.names] == [["127.0.0.1"]] or "127.0.0.1" in seen.names[
        0
    ].addresses
    with pytest.raises(SandboxError, match="no sandbox could be started to look around"):
        await lookouts.look(name, Question(), gvisor=False, network="seatrial-test-no-such-network")
    assert await lookouts.runtimes() == {}
