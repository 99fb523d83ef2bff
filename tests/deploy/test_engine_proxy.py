"""The proxy in front of the engine lets through what an agent asks, and nothing else: HAProxy itself, with an engine that
remembers what it is asked."""

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import EngineRefused, RuntimeUnavailable
from tests.deploy.installation import COMPOSE
from tests.deploy.recorder import Recorder, asked_of, calls, known
from tests.waiting import until

CLOSED = [
    ("POST", "/build"), ("POST", "/build/prune"), ("POST", "/commit"), ("POST", "/session"), ("POST", "/grpc"),
    ("POST", "/auth"), ("GET", "/swarm"), ("POST", "/swarm/init"), ("GET", "/secrets"), ("POST", "/secrets/create"),
    ("GET", "/configs"), ("POST", "/configs/create"), ("GET", "/plugins"), ("POST", "/plugins/pull"), ("GET", "/nodes"),
    ("GET", "/services"), ("POST", "/services/create"), ("GET", "/tasks"), ("GET", "/distribution/x/json"),
    ("POST", "/containers/prune"), ("POST", "/images/prune"), ("POST", "/networks/prune"), ("POST", "/volumes/prune"),
    ("GET", "/containers/one/export"), ("GET", "/containers/one/archive"), ("POST", "/containers/one/rename"),
    ("POST", "/containers/one/copy"), ("GET", "/containers/one/attach/ws"), ("GET", "/containers/one/changes"),
    ("POST", "/containers/one/kill"), ("PUT", "/volumes/one"), ("POST", "/images/one/push"), ("POST", "/images/one/tag"),
    ("POST", "/images/create?fromImage=busybox"), ("POST", "/images/create?fromSrc=http://host/x"),
    ("POST", "/images/create?fromSrc=-&fromImage=busybox"), ("GET", "/images/search"), ("DELETE", "/swarm"),
    ("GET", "/containers/../swarm"), ("GET", "/v1.41/containers/%2e%2e/swarm"), ("GET", "//swarm"),
]  # fmt: skip
pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    file = tmp_path / "archive"
    file.write_bytes(b"\0" * 1024)
    return file


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    async with recorder.serving(tmp_path / "engine.sock"):
        yield recorder


@pytest.fixture
async def proxy(images: Mapping[str, str], recorder: Recorder, tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of a proxy in front of the recorder."""
    name, folder = f"seatrial-test-{secrets.token_hex(4)}", tmp_path / "proxy"
    folder.mkdir()
    image = images.get("GALLEY_ENGINE_PROXY_IMAGE", "haproxy:2.6")
    mounts = {COMPOSE.parent / "engine-proxy": "/usr/local/etc/haproxy:ro", tmp_path / "engine.sock": "/var/run/docker.sock",
              folder: "/run/galley-engine"}  # fmt: skip
    command = [
        "docker",
        "run",
        "--detach",
        "--rm",
        "--name",
        name,
        "--user",
        "0:0",
        "--cap-drop",
        "ALL",
        "--network",
        "none",
    ]
    command += [word for source, target in mounts.items() for word in ("--volume", f"{source}:{target}")]
    await asyncio.to_thread(subprocess.run, [*command, image], check=True, capture_output=True)
    try:
        await until((folder / "docker.sock").exists, what="the proxy listens")
        yield folder / "docker.sock"
    finally:
        removal = ["docker", "rm", "--force", name]
        await asyncio.to_thread(subprocess.run, removal, check=False, capture_output=True)


def test_every_call_of_the_agent_is_tried(archive: Path) -> None:
    assert known() == set(calls(archive)) - {"execution"}


async def test_what_the_agent_asks_is_let_through_and_the_rest_is_not(
    proxy: Path, recorder: Recorder, archive: Path, tmp_path: Path
) -> None:
    direct = await asked_of(tmp_path / "engine.sock", recorder, archive)
    assert not [name for name, asked in direct.items() if not asked]
    through = await asked_of(proxy, recorder, archive)
    del direct["images.build"]  # only an agent to whom nobody gave a sandbox's image builds one
    assert through.pop("images.build") == set()
    assert through == direct

    recorder.asked.clear()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(proxy))) as client:
        for method, path in CLOSED:
            url = f"http://engine{path}"
            async with client.request(method, URL(url, encoded=True)) as answer:
                assert answer.status in {400, 403}, (method, path)
    assert recorder.asked == set()


async def test_a_container_is_attached_to(proxy: Path) -> None:
    engine = Engine(f"unix://{proxy}")
    attached = await engine.containers.attach("one")
    said = await attached.read()
    await attached.close()
    await engine.close()
    assert said is not None and said.data == b"hello"


async def test_what_is_refused_is_said_and_an_engine_that_is_away_is_called_that(
    proxy: Path, recorder: Recorder
) -> None:
    engine = Engine(f"unix://{proxy}")
    with pytest.raises(EngineRefused, match="galley-engine-proxy"):
        await engine.images.build(BytesIO(), "x:1", {})
    await recorder.stop()
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        await engine.containers.get("one")
    await engine.close()
