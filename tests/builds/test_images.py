"""Images come from the host, a registry, or the distribution's packages. A small HTTP server plays the registry."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from seatrial.agent.builds.images import DockerImages, named, registry_of
from seatrial.agent.builds.standins import stand_in_for
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import ImageUnavailable
from tests.builds.conftest import Lines, docker

pytestmark = pytest.mark.docker

Answer = Callable[[web.Request], web.StreamResponse]


class NoStandIns:
    """`StandIns` without any stand-in; notes the images it was asked for."""

    def __init__(self, reference: str | None = None) -> None:
        self.reference = reference
        self.asked: list[tuple[str, str]] = []

    async def ensure(self, image: str, why: str, log: Lines) -> str | None:
        self.asked.append((image, why))
        return self.reference


class Registry:
    """An HTTP server on loopback, which engines take for a registry without TLS."""

    def __init__(self, status: int, body: dict[str, object], delay: float = 0) -> None:
        self.status, self.body, self.delay = status, body, delay
        self.requests = 0
        self.port = 0

    async def answer(self, _request: web.Request) -> web.StreamResponse:
        self.requests += 1
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, text=json.dumps(self.body), content_type="application/json")


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., asyncio.Future[Registry]]]:
    runners: list[web.AppRunner] = []

    async def start(status: int, body: dict[str, object], delay: float = 0) -> Registry:
        registry = Registry(status, body, delay)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", registry.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        registry.port = runner.addresses[0][1]
        return registry

    yield start  # type: ignore[misc]
    for runner in runners:
        await runner.cleanup()


def images(engine: Engine, stand_ins: NoStandIns, clock: Callable[[], float] = lambda: 0.0) -> DockerImages:
    return DockerImages(engine, stand_ins, clock, stalled_seconds=3)  # type: ignore[arg-type]


async def test_a_limit_is_named_and_not_asked_again_for_a_minute(
    engine: Engine, serve: Callable[..., asyncio.Future[Registry]], log: Lines
) -> None:
    registry = await serve(429, {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]})
    now = [0.0]
    stand_ins = NoStandIns()
    source = images(engine, stand_ins, lambda: now[0])
    image = f"127.0.0.1:{registry.port}/a/b:1"
    with pytest.raises(ImageUnavailable, match="429 Too Many Requests"):
        await source.ensure(image, log)
    asked = registry.requests
    with pytest.raises(ImageUnavailable, match="429"):
        await source.ensure(image, log)
    assert registry.requests == asked
    now[0] = 61
    with pytest.raises(ImageUnavailable):
        await source.ensure(image, log)
    assert registry.requests > asked


async def test_an_image_that_does_not_exist_gets_no_stand_in(
    engine: Engine, serve: Callable[..., asyncio.Future[Registry]], log: Lines
) -> None:
    registry = await serve(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})
    stand_ins = NoStandIns("seatrial/stand-in-x")
    with pytest.raises(ImageUnavailable, match=r"cannot be pulled.*manifest"):
        await images(engine, stand_ins).ensure(f"127.0.0.1:{registry.port}/a/b:1", log)
    assert stand_ins.asked == []


async def test_nobody_listens(engine: Engine, log: Lines) -> None:
    stand_ins = NoStandIns("seatrial/stand-in-x")
    assert await images(engine, stand_ins).ensure("127.0.0.1:1/a/b:1", log) == "seatrial/stand-in-x"
    assert stand_ins.asked == [("127.0.0.1:1/a/b:1", "127.0.0.1:1 does not answer")]


async def test_a_silent_registry_is_given_up(
    engine: Engine, serve: Callable[..., asyncio.Future[Registry]], log: Lines
) -> None:
    registry = await serve(200, {}, delay=30)
    with pytest.raises(ImageUnavailable, match="does not answer"):
        await asyncio.wait_for(
            images(engine, NoStandIns()).ensure(f"127.0.0.1:{registry.port}/a/b:1", log), 25
        )


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("python:3.12-slim", "python"),
        ("docker.io/library/python:3", "python"),
        ("postgres:15@sha256:" + "a" * 64, "postgres"),
        ("postgres:16-alpine", "postgres-alpine"),
        ("golang:1.22-alpine3.19", "golang-alpine"),
        ("php:8.3-apache", "php-apache"),
        ("php:8.3", "php"),
        ("php:8.3-fpm-alpine", None),
        ("ubuntu:24.04", "debian"),
        ("node:20-bookworm-slim", "node"),
        ("python:2.7", None),
        ("alpine:3", "alpine"),
        ("alpine/git:2", None),
        ("somebody/python:3", None),
        ("ghcr.io/library/python:3", None),
        ("postgres-exporter:1", None),
        ("mysql:8", "mariadb"),
    ],
)
def test_who_is_stood_in_for(image: str, name: str | None) -> None:
    stand_in = stand_in_for(image)
    assert (stand_in.name if stand_in else None) == name


def test_registries() -> None:
    assert registry_of("python:3") == registry_of("a/b:1") == "registry-1.docker.io"
    assert registry_of("ghcr.io/a/b") == "ghcr.io"
    assert registry_of("localhost:5000/a") == "localhost:5000"


async def test_images_of_previews_are_nobody_elses(engine: Engine, base: str, log: Lines) -> None:
    foreign = "galley/pr-1-secret-abc123/web:feed"
    await docker("build", "-q", "--label", "galley.managed=true", "--label", "seatrial.test=builds", "-t", foreign, "-", stdin=f"FROM {base}\nRUN echo x > /secret\n")  # fmt: skip
    identity = (await docker("image", "inspect", "-f", "{{.Id}}", foreign)).strip().removeprefix("sha256:")
    source = images(engine, NoStandIns())
    for asked in (foreign, identity, f"sha256:{identity}", f"sha256:{identity[:8]}"):
        with pytest.raises(ImageUnavailable, match=r"built for a preview|image's id"):
            await source.ensure(asked, log)
    # Without a tag an engine would look for an id that begins like this.
    assert named(identity[:6]) == f"{identity[:6]}:latest"
    with pytest.raises(ImageUnavailable):
        await source.ensure(identity[:6], log)


def test_names_get_their_tag() -> None:
    assert named("python") == "python:latest"
    assert named("localhost:5000/a/b") == "localhost:5000/a/b:latest"
    for whole in ("python:3", "localhost:5000/a:1", "python@sha256:" + "a" * 64):
        assert named(whole) == whole


@pytest.mark.parametrize(
    "image",
    [
        "docker-archive:/etc/x",
        "oci:/etc",
        "../a",
        "A:1",
        "a b",
        "-v",
        "a:1\nFROM b",
        "${X}",
        "`id`",
        "http://x/y",
    ],
)
def test_what_is_no_name_of_an_image(image: str) -> None:
    with pytest.raises(ImageUnavailable, match="is not an image's name"):
        named(image)
