"""How answers of an engine become our errors. An HTTP server on a socket plays the engine."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from seatrial.agent.engine import Engine
from seatrial.agent.engine.refusals import refused
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal, RuntimeUnavailable

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Answers:
    """Answers every request but that for the version with `respond`."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.paths: list[str] = []
        self.respond: Respond = lambda _: says(500, "not told what to answer")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/version"):
            return web.json_response({"ApiVersion": "1.41"})
        self.paths.append(request.path)
        return await self.respond(request)


async def says(status: int, message: str) -> web.StreamResponse:
    return web.json_response({"message": message}, status=status)


@pytest.fixture
async def answers(tmp_path: Path) -> AsyncIterator[Answers]:
    answers = Answers(tmp_path / "engine.sock")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answers.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(answers.socket)).start()
    yield answers
    await runner.cleanup()


@pytest.fixture
async def engine(answers: Answers) -> AsyncIterator[Engine]:
    engine = Engine(f"unix://{answers.socket}")
    yield engine
    await engine.close()


@pytest.mark.parametrize(
    ("status", "message", "refusal"),
    [
        (404, "No such image: shop:1", Refusal.NO_IMAGE),
        (404, "No such container: web", Refusal.OTHER),
        (409, "removal of container web is already in progress", Refusal.BEING_REMOVED),
        (404, "network 4f0c not found", Refusal.NETWORK_GONE),
        (
            500,
            'OCI runtime create failed: exec: "gone": executable file not found in $PATH',
            Refusal.NO_PROGRAM,
        ),
        (
            500,
            'OCI runtime create failed: exec: "./start.sh": permission denied',
            Refusal.NOT_EXECUTABLE,
        ),
        (
            500,
            "OCI runtime create failed: error setting rlimit type 8: operation not permitted",
            Refusal.NO_LIMIT,
        ),
        (500, "OCI runtime start failed: cannot start", Refusal.NOT_BEGUN),
        (
            500,
            "Cannot pause container web: OCI runtime pause failed: unable to freeze",
            Refusal.NOT_FROZEN,
        ),
        (500, "OCI runtime create failed: cannot set up the root network namespace", Refusal.NO_OWN_NETWORK),
        (500, "write /layer: no space left on device", Refusal.NO_SPACE),
        (500, "something nobody knows", Refusal.OTHER),
    ],
)
async def test_a_no_is_typed_and_keeps_the_engines_words(
    engine: Engine, answers: Answers, status: int, message: str, refusal: Refusal
) -> None:
    answers.respond = lambda _: says(status, message)
    with pytest.raises(EngineRefused) as raised:
        await engine.containers.start("web")
    assert (raised.value.refusal, raised.value.status) == (refusal, status)
    assert str(raised.value) and message.endswith(str(raised.value))
    assert raised.value.absent is (status == 404)


async def test_a_no_to_a_call_of_our_own_is_the_same(engine: Engine, answers: Answers) -> None:
    answers.respond = lambda _: says(500, "something nobody knows")
    with pytest.raises(EngineRefused, match="something nobody knows"):
        await anext(engine.streams.changes({}))
    assert answers.paths == ["/v1.41/events"]


async def test_a_no_in_the_middle_of_an_answer(engine: Engine, answers: Answers) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        await request.read()
        lines = [{"status": "importing"}, {"error": "write /x: no space left on device"}]
        return web.Response(text="".join(json.dumps(line) + "\r\n" for line in lines))

    async def tree() -> AsyncIterator[bytes]:
        yield b"tar"

    answers.respond = half
    with pytest.raises(EngineRefused) as raised:
        await engine.images.take_in(tree(), "base:1", [])
    assert (raised.value.refusal, raised.value.status) == (Refusal.NO_SPACE, 0)


async def test_granting_again_is_no_error(engine: Engine, answers: Answers) -> None:
    answers.respond = lambda _: says(404, "no such thing")
    await engine.containers.remove("web")
    await engine.containers.stop("web", 1)
    await engine.networks.remove("net")
    await engine.volumes.remove("data")
    await engine.images.remove("shop:1")
    assert await engine.containers.get("web") is None and await engine.images.get("shop:1") is None
    assert [line async for line in engine.streams.logs("web", follow=True)] == []
    answers.respond = lambda _: says(403, "endpoint with name web already exists in network net")
    await engine.networks.join("net", "web", [])
    answers.respond = lambda _: says(409, "conflict: image is being used by running container")
    await engine.images.remove("shop:1")
    assert len(answers.paths) == 10


async def test_an_engine_that_is_away_says_how_to_get_it_back(tmp_path: Path) -> None:
    engine = Engine(f"unix://{tmp_path}/nothing.sock")
    calls: list[Callable[[], Awaitable[Any]]] = [
        engine.ping,
        engine.machine,
        lambda: engine.containers.get("web"),
        engine.registries,
        lambda: anext(engine.streams.changes({})),
        lambda: anext(engine.streams.logs("web", follow=True)),
    ]
    for call in calls:
        with pytest.raises(RuntimeUnavailable, match=r"does not answer .*Start it, or set DOCKER_HOST"):
            await call()
    await engine.close()


async def test_one_that_hangs_up_while_it_is_asked_is_away(engine: Engine, answers: Answers) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        await asyncio.Event().wait()
        raise AssertionError

    answers.respond = hang_up
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        await engine.containers.get("web")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
            "error during container init: write /proc/sys/net/core/somaxconn: invalid argument: unknown",
            "write /proc/sys/net/core/somaxconn: invalid argument",
        ),
        ('OCI runtime create failed: exec: "gone": not found', 'exec: "gone": not found'),
        ("invalid signal: FOO", "invalid signal: FOO"),
    ],
)
def test_an_error_is_shown_without_the_programs_that_passed_it_on(text: str, told: str) -> None:
    assert str(refused(500, text)) == told


def test_a_missing_kernel_setting_is_not_taken_for_a_missing_program() -> None:
    text = "open /proc/sys/net/ipv4/none: no such file or directory"
    assert refused(500, text).refusal is Refusal.OTHER
    assert refused(500, 'exec: "docker-init": executable file not found').refusal is Refusal.NO_INIT
