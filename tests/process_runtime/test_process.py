"""Services as plain processes: real ones, a real PostgreSQL, and an agent that starts anew."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.processes.images import ProcessBuilder, ProcessImages
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.runtime.process import ProcessRuntime, probes
from seatrial.agent.runtime.process.addresses import rewritten
from seatrial.agent.vocabulary.containers import Cause, Container, ContainerSpec, HealthCheck, Mount, Unwell
from seatrial.agent.vocabulary.errors import BuildError, NeedsEngine
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.options import Options, Tmpfs
from tests.waiting import LIMIT_SECONDS, until

SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ.get("WORD", "").encode())
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /srv\nENV WORD=built LIB=/srv/lib\nCOPY . .\nRUN mkdir lib && echo made > lib/made\nCMD ["python", "app.py"]\n'


@pytest.fixture
def home() -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="seatrial-process-"))
    folder.chmod(0o755)
    yield folder  # type: ignore[misc]
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def runtime(home: Path) -> AsyncIterator[ProcessRuntime]:
    runtime = ProcessRuntime(home / "process")
    yield runtime
    for container in await runtime.list_containers({}):
        await runtime.remove(container.name)


async def build(runtime: ProcessRuntime, home: Path, files: dict[str, str], tag: str = "app:1") -> None:
    context = home / "context"
    context.mkdir(exist_ok=True)
    for name, text in files.items():
        (context / name).write_text(text)
    await ProcessBuilder(runtime.images).build(
        BuildRequest("app", Build(), context, tag, {"l": "1"}, "p"), quiet
    )


async def quiet(_line: str) -> None:
    return None


def spec(**changes: object) -> ContainerSpec:
    plain = ContainerSpec("c1", "app:1", {FINGERPRINT: "1", "galley.agent": "a"}, {"n1": ["app"]})
    return replace(plain, **changes)  # type: ignore[arg-type]


async def until_well(runtime: ProcessRuntime, name: str, check: HealthCheck) -> Container:
    problem: object = "never asked"
    for _ in range(600):  # initdb takes its time on a busy machine
        container = await runtime.get(name)
        assert container is not None
        problem = await runtime.check(container, "n1", replace(check, port=container.port))
        if problem is None:
            return container
        await asyncio.sleep(0.1)
    lines = [line.text async for line in runtime.logs(name, follow=False)]
    raise AssertionError(f"{problem}: {lines}")


async def fetch(port: int | None) -> str:
    return (await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}")).read().decode()


async def test_built_started_found_again_and_removed(runtime: ProcessRuntime, home: Path) -> None:
    await build(runtime, home, {"Dockerfile": DOCKERFILE, "app.py": SERVER})
    await runtime.ensure_network("n1", {"galley.agent": "a"})
    await runtime.start(spec(environment={"WORD": "given"}))
    container = await until_well(runtime, "c1", HealthCheck(http_path="/"))
    assert await fetch(container.port) == "given"
    assert (await runtime.start(spec())).started_at == container.started_at, "what runs is not started again"

    successor = ProcessRuntime(home / "process")
    [again] = await successor.list_containers({"galley.agent": "a"})
    assert (again.state, again.port) == ("running", container.port)
    lines = [line.text async for line in successor.logs("c1", follow=False)]
    assert "listening" in lines
    await successor.stop("c1", 5)
    stopped = await successor.get("c1")
    assert stopped and stopped.state == "exited"
    await successor.remove("c1")
    assert await successor.get("c1") is None
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]
    await successor.remove_image("app:1")
    assert await successor.list_images({"l": "1"}) == {}


async def test_a_killed_keeper_takes_its_service_along(runtime: ProcessRuntime, home: Path) -> None:
    await build(runtime, home, {"Dockerfile": DOCKERFILE, "app.py": SERVER})
    await runtime.start(spec())
    container = await until_well(runtime, "c1", HealthCheck(http_path="/"))
    for process in psutil.process_iter(["cmdline"]):
        if "keeper.py" in " ".join(process.info["cmdline"] or []) and str(home) in " ".join(
            process.info["cmdline"]
        ):
            process.kill()

    async def refuses() -> bool:
        with contextlib.suppress(OSError):
            await fetch(container.port)
            return False
        return True

    await until(refuses)
    now = await runtime.get("c1")
    assert now and (now.state, now.exit_code) == ("exited", 137)


TOLD_TO_END_WHILE_IT_STARTS = """
import os, signal, subprocess, sys
from pathlib import Path
from seatrial.agent.runtime.process import keeper

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)

keeper.subprocess.Popen = Popen
keeper.Keeper(Path(sys.argv[1])).run()
"""


def test_a_keeper_that_is_told_to_end_while_its_service_starts(tmp_path: Path) -> None:
    start = {"command": ["sleep", "600"], "directory": "/", "environment": {}, "restart": "unless-stopped"}
    (tmp_path / "start.json").write_text(json.dumps(start))
    subprocess.run(
        [sys.executable, "-c", TOLD_TO_END_WHILE_IT_STARTS, str(tmp_path)], timeout=LIMIT_SECONDS, check=True
    )
    assert json.loads((tmp_path / "state.json").read_text())["exit_code"] == 143


@pytest.mark.postgres
async def test_postgres_keeps_its_volume(runtime: ProcessRuntime, home: Path) -> None:
    await ProcessImages(runtime.images).ensure("postgres:15", quiet)
    await runtime.ensure_volume("data", {})
    database = spec(
        name="db",
        image="postgres:15",
        networks={"n1": ["db"]},
        mounts=[Mount("data", "/var/lib/postgresql/data")],
        environment={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "s3 cret", "POSTGRES_DB": "goods"},
    )
    await runtime.start(database)
    container = await until_well(runtime, "db", HealthCheck())
    url = f"host=127.0.0.1 port={container.port} user=shop password='s3 cret' dbname=goods"
    with await connected(url) as connection:
        connection.execute("create table t (n int)")
        connection.execute("insert into t values (7)")
    await runtime.remove("db")
    await runtime.start(database)
    container = await until_well(runtime, "db", HealthCheck())
    with await connected(url.replace(url.split()[1], f"port={container.port}")) as connection:
        assert connection.execute("select n from t").fetchone() == (7,)


async def connected(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """PostgreSQL accepts connections a moment before it answers them."""
    for _ in range(600):
        try:
            return psycopg.connect(url)
        except psycopg.OperationalError:
            await asyncio.sleep(0.1)
    return psycopg.connect(url)


async def test_siblings_find_each_other(runtime: ProcessRuntime, home: Path) -> None:
    await build(runtime, home, {"Dockerfile": DOCKERFILE, "app.py": SERVER})
    await runtime.start(spec(environment={"WORD": "hello"}))
    api = await until_well(runtime, "c1", HealthCheck(http_path="/"))
    await runtime.start(spec(name="c2", networks={"n1": ["web"]}, environment={"WORD": "http://app:8000/x"}))
    web = await until_well(runtime, "c2", HealthCheck(http_path="/"))
    assert await fetch(web.port) == f"http://127.0.0.1:{api.port}/x"


def test_addresses() -> None:
    given = {
        "URL": "postgres://u:p@db/x",
        "DB_HOST": "db",
        "DB_PORT": "5432",
        "OTHER": "mydb:1 db.example:2",
        "LIST": "db:1,db:2",
    }
    assert rewritten(given, {"db": 99}) == {
        "URL": "postgres://u:p@127.0.0.1:99/x",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": "99",
        "OTHER": "mydb:1 db.example:2",
        "LIST": "127.0.0.1:99,127.0.0.1:99",
    }


async def test_a_health_command_that_hangs_is_ended_with_what_it_started() -> None:
    outcome = await probes.command(["sh", "-c", "sleep 471.5 & wait"], {}, 0.3)
    assert outcome == Unwell("the health command did not end within 0.3 s", Cause.OWN_COMMAND)
    assert not sleepers("471.5")


async def test_a_health_command_that_nobody_waits_for_is_ended_with_what_it_started() -> None:
    asking = asyncio.create_task(probes.command(["sh", "-c", "sleep 471.6 & wait"], {}, 60))

    async def sleeps() -> bool:
        return bool(sleepers("471.6"))

    await until(sleeps)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert not sleepers("471.6")


def sleepers(seconds: str) -> list[psutil.Process]:
    container = psutil.process_iter(["cmdline", "status"])
    return [p for p in container if p.info["cmdline"] == ["sleep", seconds] and p.info["status"] != "zombie"]


async def test_what_it_cannot_do_is_said(runtime: ProcessRuntime, home: Path) -> None:
    with pytest.raises(NeedsEngine, match="own code and PostgreSQL only"):
        await ProcessImages(runtime.images).ensure("rabbitmq:3", quiet)
    with pytest.raises(NeedsEngine, match="several stages"):
        await build(runtime, home, {"Dockerfile": "FROM a AS b\nFROM c\nCOPY --from=b x y\n"})
    with pytest.raises(BuildError, match="needs an engine"):
        await build(runtime, home, {"Dockerfile": "FROM a\nRUN mkdir /usr/planted-by-a-test\n"})
    with pytest.raises(BuildError, match="leads out of the image"):
        await build(runtime, home, {"Dockerfile": "FROM a\nCOPY Dockerfile ../../../../x\n"})
    await build(runtime, home, {"Dockerfile": 'FROM a\nCMD ["no-such-program"]\n'})
    with pytest.raises(NeedsEngine, match="no-such-program is not installed on this host"):
        await runtime.start(spec())


async def test_what_a_bare_process_cannot_get_is_named(runtime: ProcessRuntime) -> None:
    asked = Options(
        stdin_open=True, tty=True, hostname="x", init=True, read_only=True, tmpfs=[Tmpfs("/x")], shm_size_mb=1,
        sysctls={"net.core.somaxconn": "1"}, without_capabilities=frozenset({"CHOWN"}), ulimits={"nofile": (1, 1)},
        extra_hosts={"a.test": ["10.0.0.5"]}, stop_signal="SIGINT", stop_seconds=3,
    )  # fmt: skip
    lacks = runtime.left_out(spec(options=asked, network_of="c2"))
    assert lacks == [
        "tty", "hostname", "init", "read_only", "tmpfs", "shm_size", "sysctls", "cap_drop", "ulimits", "extra_hosts", "stop_signal",
        "network_mode (all processes share the host's network)",
    ]  # fmt: skip
    assert runtime.left_out(spec(options=Options(stdin_open=True, stop_seconds=3))) == []
