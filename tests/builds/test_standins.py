"""Stand-ins behave like the images they stand in for. Built once per host from the distribution's packages."""

import asyncio
import secrets
from pathlib import Path

import pytest

from seatrial.agent.builds.choice import docker_builds
from seatrial.agent.runtime.docker.engine import Engine
from tests.builds.conftest import Lines, docker
from tests.engines import require

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture
async def stand_in(engine: Engine, cache: Path, log: Lines):
    require("debootstrap")
    stand_ins = docker_builds(engine, cache, "isolated")[2]

    async def make(image: str) -> str:
        reference = await stand_ins.ensure(image, "registry-1.docker.io does not answer", log)
        assert reference is not None
        return reference

    return make


async def run(image: str, *command: str) -> str:
    return await docker(
        "run", "--rm", "--network", "none", "--label", "seatrial.test=builds", image, *command
    )


async def test_python_says_its_real_version(stand_in, log: Lines) -> None:
    image = await stand_in("python:3.13-slim")
    version = (await run(image, "python", "-c", "import platform; print(platform.python_version())")).strip()
    assert f"using the stand-in with Python {version} from Debian packages" in log.text
    assert "pip" in await run(image, "pip", "--version")
    labels = await docker("image", "inspect", "-f", '{{index .Config.Labels "galley.cache"}}', image)
    assert labels.strip() == "true"


async def test_postgres_honours_the_official_variables(stand_in) -> None:
    image = await stand_in("postgres:15")
    name = f"seatrial-test-{secrets.token_hex(4)}"
    environment = ["POSTGRES_USER=shop", "POSTGRES_PASSWORD=s3'cret", "POSTGRES_DB=my goods"]
    flags = [part for value in environment for part in ("-e", value)]
    volume = ["-v", f"{name}:/var/lib/postgresql/data"]
    query = [
        "exec",
        "-e",
        "PGPASSWORD=s3'cret",
        name,
        "psql",
        "-h",
        "127.0.0.1",
        "-U",
        "shop",
        "-d",
        "my goods",
        "-Atc",
    ]
    start = [
        "run",
        "-d",
        "--name",
        name,
        "--label",
        "seatrial.test=builds",
        "--security-opt",
        "no-new-privileges",
    ]
    try:
        await docker(*start, *volume, *flags, image)
        await until(query, "select 1")
        await docker(*query, "create table t as select 7 as n")
        assert (await docker("exec", name, "stat", "-c", "%U", "/proc/1")).strip() == "postgres"
        await docker("stop", name)
        assert (await docker("inspect", "-f", "{{.State.ExitCode}}", name)).strip() == "0"
        await docker("rm", name)
        await docker(*start, *volume, *flags, image)
        await until(query, "select 1")
        assert (await docker(*query, "select n from t")).strip() == "7"
    finally:
        await docker("rm", "-f", "-v", name)
        await docker("volume", "rm", name)


async def until(query: list[str], text: str) -> None:
    for _ in range(100):
        try:
            await docker(*query, text)
        except AssertionError:
            await asyncio.sleep(0.2)
        else:
            return
    await docker(*query, text)


async def test_a_database_without_a_password_says_so(stand_in) -> None:
    image = await stand_in("postgres:15")
    with pytest.raises(AssertionError, match="Set POSTGRES_PASSWORD"):
        await run(image)


async def test_none_for_what_is_not_packaged(stand_in, engine: Engine, cache: Path, log: Lines) -> None:
    assert await docker_builds(engine, cache, "isolated")[2].ensure("alpine:3", "x", log) is None


@pytest.mark.parametrize(
    ("image", "command", "told"),
    [
        ("redis:7", ["redis-server", "--version"], "Redis server"),
        ("nginx:1", ["nginx", "-t"], "successful"),
        ("busybox", ["sh", "-c", "echo ok | cat"], "ok"),
    ],
)
async def test_the_others_run(stand_in, image: str, command: list[str], told: str) -> None:
    assert told in await run(await stand_in(image), *command)
