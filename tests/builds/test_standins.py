"""Stand-ins behave like the images they stand in for. Built once per host from the distribution's packages."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.debian import codename
from seatrial.agent.builds.standins import PREFIX, STAND_INS, DebianStandIns
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError
from tests.builds.conftest import LABEL, Lines, docker
from tests.builds.containers import MakeStandIn, answers, rare, run, running

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1_800)]


async def test_python_says_its_real_version(stand_in: MakeStandIn, log: Lines) -> None:
    image = await stand_in("python:3.13-slim")
    version = (await run(image, "python", "-c", "import platform; print(platform.python_version())")).strip()
    assert f"using the stand-in with Python {version} from Debian packages" in log.text
    assert "pip" in await run(image, "pip", "--version")
    labels = await docker("image", "inspect", "-f", '{{index .Config.Labels "galley.cache"}}', image)
    assert labels.strip() == "true"


async def test_postgres_honours_the_official_variables(stand_in: MakeStandIn) -> None:
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
        LABEL,
        "--security-opt",
        "no-new-privileges",
    ]
    try:
        await docker(*start, *volume, *flags, image)
        await until(query, "select 1")
        await docker(*query, "create table t as select 7 as n")
        assert (await docker("exec", name, "stat", "-c", "%U", "/proc/1")).strip() == "postgres"
        await docker("stop", "-t", "90", name)
        assert (await docker("inspect", "-f", "{{.State.ExitCode}}", name)).strip() == "0"
        await docker("rm", name)
        await docker(*start, *volume, *flags, image)
        await until(query, "select 1")
        assert (await docker(*query, "select n from t")).strip() == "7"
    finally:
        await docker("rm", "-f", "-v", name)
        await docker("volume", "rm", name)


async def until(query: list[str], text: str) -> None:
    for _ in range(450):
        try:
            await docker(*query, text)
        except AssertionError:
            await asyncio.sleep(0.2)
        else:
            return
    await docker(*query, text)


async def test_a_database_without_a_password_says_so(stand_in: MakeStandIn) -> None:
    image = await stand_in("postgres:15")
    with pytest.raises(AssertionError, match="Set POSTGRES_PASSWORD"):
        await run(image)


async def test_an_image_that_is_not_packaged_has_no_stand_in(
    stand_in: MakeStandIn, engine: Engine, cache: Path, log: Lines
) -> None:
    assert await docker_builds(engine, cache, "isolated")[2].ensure("erlang:26", "x", log) is None


@pytest.mark.parametrize(
    ("image", "command", "printed"),
    [
        ("redis:7", ["redis-server", "--version"], "Redis server"),
        ("busybox", ["sh", "-c", "echo ok | cat"], "ok"),
        ("gcc:13", ["sh", "-c", "echo 'int main(){puts(\"ok\");}' | gcc -w -include stdio.h -static -xc - && ./a.out"], "ok"),
        ("ruby:3.3", ["ruby", "-e", "puts [1, 2].sum; require 'bundler'; puts Gem.dir"], "3\n/usr/local/bundle"),
        ("php:8.3", ["php", "-r", "echo strlen('four'), extension_loaded('mbstring');"], "41"),
        ("rust:1", ["sh", "-c", "cd /tmp; cargo init -q --name x && cargo run -q --offline"], "Hello, world"),
    ],
)  # fmt: skip
async def test_the_others_run(stand_in: MakeStandIn, image: str, command: list[str], printed: str) -> None:
    await rare(image)
    assert printed in await run(await stand_in(image), *command)


@pytest.mark.parametrize("image", ["python:3.12", "nginx:1"])
async def test_health_checks_find_what_they_call(stand_in: MakeStandIn, image: str) -> None:
    told = await run(await stand_in(image), "sh", "-c", "command -v curl && command -v wget")
    assert told.split() == ["/usr/bin/curl", "/usr/bin/wget"]


async def test_a_slim_image_is_slim(stand_in: MakeStandIn) -> None:
    slim = await stand_in("python:3.12-slim")
    assert await run(slim, "sh", "-c", "command -v curl || command -v wget || echo neither") == "neither\n"


@pytest.mark.parametrize("image", ["alpine:3", "python:3.12-alpine"])
async def test_alpine_without_its_packages_says_so(stand_in: MakeStandIn, image: str, log: Lines) -> None:
    reference = await stand_in(image)
    with pytest.raises(AssertionError, match="apk: this is a stand-in made of Debian packages"):
        await run(reference, "apk", "add", "--no-cache", "curl")
    made = (
        "addgroup -S web && adduser -S -D -H -G web -u 1001 app && adduser app mail && id app && wget --help"
    )
    assert "uid=1001(app)" in await run(reference, "sh", "-c", made)
    assert "from Debian packages" in log.text


def scripts(folder: Path) -> Path:
    """What is run at the first start, for everybody to read."""
    (folder / "one.sql").write_text("create table t (n int); insert into t values (7);")
    folder.chmod(0o755)
    return folder


async def test_mariadb_honours_the_variables_of_mysql(stand_in: MakeStandIn, tmp_path: Path) -> None:
    await rare("mysql:8")
    image = await stand_in("mysql:8")
    environment = {"ROOT_PASSWORD": "r'oot", "DATABASE": "my_shop", "USER": "shop", "PASSWORD": "s'cret"}
    options = [part for name, value in environment.items() for part in ("-e", f"MYSQL_{name}={value}")]
    volume = ["-v", f"{scripts(tmp_path)}:/docker-entrypoint-initdb.d:ro"]
    old = ["--default-authentication-plugin=mysql_native_password"]
    async with running(image, *options, *volume, command=old) as name:
        client = ["exec", name, "mysql", "-h", "127.0.0.1", "-N", "-B"]
        await until([*client, "-ushop", "-ps'cret", "my_shop", "-e"], "select 1")
        assert (
            await docker(*client, "-ushop", "-ps'cret", "my_shop", "-e", "select n from t")
        ).strip() == "7"
        assert (await docker(*client, "-uroot", "-pr'oot", "-e", "select 8")).strip() == "8"
        await docker("exec", name, "healthcheck.sh", "--connect")
        with pytest.raises(AssertionError, match="Access denied"):
            await docker(*client, "-uroot", "-e", "select 9")
        assert (await docker("exec", name, "stat", "-c", "%U", "/proc/1")).strip() == "mysql"


@pytest.mark.parametrize(
    ("image", "folder", "page", "printed"),
    [
        ("httpd:2.4", "/usr/local/apache2/htdocs/index.html", "a page", "a page"),
        ("php:8.3-apache", "/var/www/html/index.php", "<?php echo 6 * 7;", "42"),
    ],
)
async def test_apache_serves_its_folder(
    stand_in: MakeStandIn, tmp_path: Path, image: str, folder: str, page: str, printed: str
) -> None:
    await rare(image)
    (tmp_path / "page").write_text(page)
    (tmp_path / "page").chmod(0o644)
    async with running(await stand_in(image), "-v", f"{tmp_path / 'page'}:{folder}:ro") as name:
        assert await answers(name, 80) == printed


async def test_memcached_takes_options_alone(stand_in: MakeStandIn) -> None:
    await rare("memcached:1")
    async with running(await stand_in("memcached:1"), command=["-m", "32"]) as name:
        assert (await docker("exec", name, "cat", "/proc/1/cmdline")) == "memcached\0-m\x0032\0"


async def test_a_changed_recipe_is_made_again_and_a_failure_keeps_the_old(engine: Engine, log: Lines) -> None:
    builder = Refusing()
    stand_ins = DebianStandIns(engine, builder, Refusing.base)
    busybox = next(known for known in STAND_INS if known.name == "busybox")
    tag = f"{PREFIX}test-{secrets.token_hex(4)}"
    wanted = replace(busybox, name=tag.removeprefix(PREFIX), folder="busybox", base=None)
    with pytest.raises(BuildError):
        await stand_ins.make(wanted, log)
    full = f"{tag}:{codename()}"
    await docker("import", "-c", f"LABEL {LABEL}", "/dev/null", full)
    try:
        assert await stand_ins.make(wanted, log) == full
    finally:
        await docker("rmi", "-f", full)
    assert "of an earlier release is used" in log.text


class Refusing:
    """A builder without a mirror."""

    name = "refusing"

    async def build(self, request: BuildRequest, log: object) -> None:
        raise BuildError("no mirror answers")

    @staticmethod
    async def base(tag: str, labels: object, log: object) -> None:
        raise BuildError("no mirror answers")
