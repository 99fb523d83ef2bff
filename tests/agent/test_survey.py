"""Surveys: lookouts have the walls of a sandbox, are gone afterwards, and whatever is wrong is in the report."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seatrial.agent.builds.assembly import docker_builds, for_sandboxes
from seatrial.agent.builds.base import Facts
from seatrial.agent.engine import Engine, Machine
from seatrial.agent.engine.attached import Said
from seatrial.agent.engine.sealed import sealed_config
from seatrial.agent.sandboxes import lookout
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.sandboxes.lookout import Lookouts, Question
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.settings import Settings, resolvers_of
from seatrial.agent.survey.builder import BuilderWatch
from seatrial.agent.survey.host import NO_ENGINE, NO_IMAGE, Sandboxing, Survey
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.agent.vocabulary.logs import quiet
from seatrial.wire.hosts import AskHost, Attempt, Sight
from tests.engines import require
from tests.sandboxes.conftest import engine as real_engine
from tests.waiting import LIMIT_SECONDS

__all__ = ["real_engine"]

NAME = "gitlab.acme.test"


class Line:
    """A container's streams, which say this."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> Any:
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
        runtime="runsc", own_kernel=True, outside=[Attempt(target="[::1]:443", problem="no")]
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
    monkeypatch.setattr(lookout, "STAY_SECONDS", 0.05)
    report = await survey(engine).report(AskHost())
    assert "said nothing within 0.05 s" in report.sight_problem and engine.containers.there == {}


async def test_what_builds_is_in_the_report_and_what_is_wrong_with_it_in_the_heartbeat() -> None:
    facts = [Facts("buildah 1.28"), Facts("BuildKit", ["it is away. Start it"], ["no limits"])]

    async def ask() -> Facts:
        return facts.pop(0)

    watch = BuilderWatch(ask)
    assert not watch.warnings, "nothing is known yet"
    report = await Survey(None, builder=watch).report(AskHost())
    assert (report.builder, report.builder_problems) == ("buildah 1.28", [])
    report = await Survey(None, builder=watch).report(AskHost())
    assert report.builder_problems == ["it is away. Start it", "no limits"] == list(watch.warnings)


@pytest.mark.docker
@pytest.mark.gvisor
async def test_on_a_real_engine_it_is_gvisor_and_nothing_is_left(
    real_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gvisor")
    monkeypatch.setattr(lookout, "STAY_SECONDS", 4 * LIMIT_SECONDS)
    _, images, _ = docker_builds(real_engine, tmp_path / "builds", "isolated")
    image = SandboxImage(real_engine, for_sandboxes(images, tmp_path / "builds"), find_program())

    await image.ensure(quiet)
    lookouts = Lookouts(real_engine, f"test-{tmp_path.name}")
    name = await image.present()
    assert name is not None
    seen = await lookouts.look(name, Question(names=["localhost"]), gvisor=True, network="")
    assert (seen.runtime, seen.own_kernel, seen.networked) == ("runsc", True, False)
    assert "127.0.0.1" in seen.names[0].addresses
    with pytest.raises(SandboxError, match="no sandbox could be started to look around"):
        await lookouts.look(name, Question(), gvisor=False, network="seatrial-test-no-such-network")
    assert await lookouts.runtimes() == {}


@pytest.mark.parametrize(
    "name", ["host", "none", "default", "container:abc", "-x", "a b", "a/b", "'gitgrit_internal'", "x" * 200]
)
def test_a_network_that_is_none_for_sandboxes_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="no network for sandboxes"):
        Settings(sandbox_network=name)


@pytest.mark.parametrize(
    ("text", "resolvers"),
    [
        ("", ()),
        ("10.0.0.53", ("10.0.0.53",)),
        (" 10.0.0.53,fd00::53 ,10.0.0.53", ("10.0.0.53", "fd00::53")),
        ("10.0.0.53\r", ("10.0.0.53",)),
    ],
)
def test_resolvers_are_listed_by_address(text: str, resolvers: tuple[str, ...]) -> None:
    assert Settings(sandbox_dns=text, sandbox_network="gitgrit_internal").resolvers == resolvers


@pytest.mark.parametrize(
    "text",
    ["dns.acme.test", "10.0.0.53:53", "10.0.0", "'10.0.0.53'", "10.0.0.53;10.0.0.54", "https://10.0.0.53"],
)
def test_what_is_no_address_of_a_resolver_is_named(text: str) -> None:
    with pytest.raises(
        ValidationError, match=r"is not the address of a resolver\. Write it like 10\.0\.0\.53"
    ):
        Settings(sandbox_dns=text)


def test_more_resolvers_than_are_ever_asked_are_refused() -> None:
    with pytest.raises(ValidationError, match="4 resolvers; more than 3 are never asked"):
        Settings(sandbox_dns="10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4")


@given(st.text(max_size=60))
def test_any_list_is_taken_or_refused_with_a_sentence(text: str) -> None:
    try:
        assert all(resolvers_of(text)) or not resolvers_of(text)
    except ValueError as error:
        assert "resolver" in str(error)
