"""Screenshots by an agent: the walls around the browser, and what is believed of what it says. A real one: tests/agent/test_program.py."""

import asyncio
import json
from typing import Any

import pytest

from seatrial.agent.engine.sealed import sealed_config
from seatrial.agent.environments.viewing import Viewed
from seatrial.agent.screenshots import camera as camera_module
from seatrial.agent.screenshots.browsers import BrowserImage
from seatrial.agent.screenshots.camera import Camera, CameraError, View, picture, program
from seatrial.agent.screenshots.service import NOT_HERE, NOT_SERVED, OFF, Screenshots, view_of
from seatrial.agent.vocabulary.errors import BuildError, RuntimeUnavailable
from seatrial.wire.deployments import ObservedService, PreviewAddress
from seatrial.wire.errors import MalformedMessage
from seatrial.wire.screenshots import (
    MOST_BYTES,
    SIGNATURE,
    AskScreenshot,
    NoScreenshot,
    ScreenshotPart,
    Shown,
    joined,
    parts,
)
from seatrial.wire.states import Isolation, ServiceKind
from tests.agent.test_survey import FakeEngine, Line
from tests.waiting import until

VIEW = View("http://pr-1.test/", {"pr-1.test": "10.0.0.2:80"}, {}, "galley-net")
ASKED = AskScreenshot(environment="e", deployment="d", service="web")


def png(width: int = 1280, height: int = 800, rest: bytes = b"") -> bytes:
    return SIGNATURE + bytes(8) + width.to_bytes(4, "big") + height.to_bytes(4, "big") + rest


def said(data: bytes = png(), **changes: Any) -> bytes:
    line = {"status": 200, "title": "Shop", "width": 1280, "height": 800, "bytes": len(data), **changes}
    return json.dumps(line).encode() + b"\n" + data


class Browsers:
    async def ensure(self) -> str:
        return "galley-browser"

    async def close(self) -> None:
        return


def camera(engine: FakeEngine) -> Camera:
    return Camera(engine, Browsers(), "01A")  # type: ignore[arg-type]


class Engine(FakeEngine):
    """One whose containers print `out` and end."""

    def __init__(self, out: bytes) -> None:
        super().__init__()
        self.containers.said = out

        async def attach(name: str) -> Line:
            await self.containers.hangs.wait()
            return Line(*(out[at : at + 700] for at in range(0, len(out), 700)))

        self.containers.attach = attach  # type: ignore[method-assign]


def viewed(isolation: Isolation = Isolation.CONTAINER, **fields: Any) -> Viewed:
    service = {
        "name": "web",
        "kind": ServiceKind.WEB,
        "state": "running",
        "labels": ["web-pr-1", "pr-1"],
        **fields,
    }
    web = ObservedService(**{"endpoint": "10.0.0.2:80", **service})
    address = PreviewAddress(scheme="https", domain="test", port=8443)
    return Viewed("galley-net", isolation, address, [web])


async def test_the_browser_has_no_rights_and_one_network() -> None:
    engine = Engine(said())
    shown, data = await camera(engine).take(VIEW)
    assert (shown.title, data) == ("Shop", png())
    [made] = engine.containers.made
    assert made["Entrypoint"][:3] == ["python3", "-I", "-B"] and made["User"] == "65534:65534"
    host = made["HostConfig"]
    assert host["NetworkMode"] == "galley-net" and host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] == [] and host["SecurityOpt"] == ["no-new-privileges"] and "Mounts" not in host
    assert host["Memory"] == host["MemorySwap"] == 1 << 30 and host["PidsLimit"] == 300 and host["AutoRemove"]
    assert "Binds" not in host and "noexec" in host["Tmpfs"]["/tmp"]
    assert engine.containers.there == {}, "gone afterwards"


def test_a_browser_has_the_walls_of_what_it_looks_at() -> None:
    assert view_of(viewed(Isolation.GVISOR), "pr-1.test").gvisor
    assert not view_of(viewed(), "pr-1.test").gvisor
    spec = camera(Engine(b""))._spec("n", "i", view_of(viewed(Isolation.GVISOR), "pr-1.test"))
    assert sealed_config(spec)["HostConfig"]["Runtime"] == "runsc"


def test_it_goes_past_the_gate_with_nothing_that_opens_it() -> None:
    view = view_of(viewed(), viewed().host("web"))
    assert view.url == "http://pr-1.test:8443/", "what visitors call it"
    assert view.hosts == {"web-pr-1.test": "10.0.0.2:80", "pr-1.test": "10.0.0.2:80"}
    assert view.headers == {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pr-1.test:8443"}


@pytest.mark.parametrize(
    "out",
    [
        b"",
        b"\xff\xfe",
        b"[]\n" + png(),
        said(bytes=3),
        said(width="wide"),
        said(height=4_001),
        said(status=99),
        said(title=["x"], height=None),
        said(b"<svg onload='alert(1)'/>"),
        said(png() + bytes(MOST_BYTES)),
    ],
)
def test_whatever_else_a_browser_says_is_no_picture(out: bytes) -> None:
    with pytest.raises(CameraError) as refused:
        picture(out)
    assert not refused.value.lasting and len(str(refused.value)) < 200


def test_a_title_has_nothing_that_cannot_be_kept() -> None:
    assert picture(said(title="a\x00b"))[0].title == "ab"


def test_why_there_is_none_is_told_and_final() -> None:
    with pytest.raises(CameraError) as refused:
        picture(b'{"problem": "%s"}\n' % (b"x" * 9_000))
    assert refused.value.lasting and len(str(refused.value)) == 500


async def test_what_hangs_or_is_cancelled_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(said())
    engine.containers.hangs.clear()
    monkeypatch.setattr(camera_module, "TAKE_SECONDS", -29.9)
    with pytest.raises(CameraError, match="in time"):
        await camera(engine).take(VIEW)
    assert engine.containers.there == {}
    monkeypatch.undo()
    taking = asyncio.create_task(camera(engine).take(VIEW))
    await until(lambda: bool(engine.containers.there))
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert engine.containers.there == {}


class Environments:
    def __init__(self, found: Viewed | Exception | None) -> None:
        self.found = found

    async def viewed(self, environment: str, deployment: str) -> Viewed | None:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def answer(found: Viewed | Exception | None, engine: FakeEngine | None = None) -> list[Any]:
    taking = camera(engine) if engine else None
    return list(await Screenshots(taking, Environments(found)).answer(ASKED))  # type: ignore[arg-type]


async def test_every_question_has_an_answer() -> None:
    assert await answer(viewed()) == [NoScreenshot(problem=OFF)]
    engine = Engine(said())
    assert await answer(None, engine) == [NoScreenshot(problem=NOT_HERE, again=True)]
    assert await answer(viewed(endpoint=None), engine) == [NoScreenshot(problem=NOT_SERVED, again=True)]
    away = await answer(RuntimeUnavailable("the engine is away"), engine)
    assert away == [NoScreenshot(problem="the engine is away", again=True)]
    [part] = await answer(viewed(), engine)
    assert isinstance(part, ScreenshotPart) and joined([part]) == (part.shown, png())
    [failed] = await answer(viewed(), Engine(b'{"problem": "no page"}'))
    assert failed == NoScreenshot(problem="no page")


def test_pictures_travel_in_parts_that_fit() -> None:
    shown = Shown(status=200, title="", width=1280, height=800)
    whole = png(rest=bytes(1_900_000))
    came = parts(shown, whole)
    assert len(came) == 4 and all(len(one.model_dump_json()) < 900_000 for one in came)
    assert joined(came) == (shown, whole)
    for wrong in (came[:3], came[::-1], [came[0], *came[2:]]):
        with pytest.raises(MalformedMessage):
            joined(wrong)
    for fake in (b"<svg/>", png(1280, 801), png(rest=bytes(MOST_BYTES))):
        with pytest.raises(MalformedMessage):
            joined(parts(shown, fake)[:4])


class Images:
    """Images of a host that has none, until a stand-in is made."""

    def __init__(self, made: str | Exception | None) -> None:
        self.made, self.may, self.there = made, asyncio.Event(), set[str]()
        self.engine = self.images = self.stand_ins = self

    async def get(self, name: str) -> str | None:
        return name if name in self.there else None

    async def ensure(self, image: str, why: str, log: Any) -> str | None:
        await self.may.wait()
        if isinstance(self.made, Exception):
            raise self.made
        self.there |= {self.made} if self.made else set()
        return self.made


async def test_the_image_is_made_once_while_questions_are_told_so() -> None:
    images = Images("seatrial/stand-in-browser:bookworm")
    image = BrowserImage(images, "galley-browser")  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(CameraError, match="is being made") as refused:
            await image.ensure()
        assert refused.value.not_yet
    images.may.set()
    await until(lambda: bool(images.there))
    assert await image.ensure() == images.made
    await image.close()


@pytest.mark.parametrize("made", [None, BuildError("apt does not answer")])
async def test_why_no_image_could_be_made_is_told(made: Any) -> None:
    images = Images(made)
    image = BrowserImage(images, "mine")  # type: ignore[arg-type]
    images.may.set()
    with pytest.raises(CameraError):
        await image.ensure()
    await until(lambda: image._making is None)
    with pytest.raises(
        CameraError, match="apt does not answer" if made else "GALLEY_BROWSER_IMAGE names mine"
    ):
        await image.ensure()


def test_the_program_is_plain_python_of_a_bounded_length() -> None:
    compile(program(), "take.py", "exec")
    assert len(program()) < 100_000, "an argument of a process has an end"
