"""The real PostgreSQL, NATS and Traefik come up as we configure them."""

import asyncio
import json
import ssl
import stat
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from seatrial.control import web
from seatrial.embedded import secrets
from seatrial.embedded.components import agent, bus, control, ingress
from seatrial.embedded.components.base import answers_http
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered
from seatrial.embedded.supervisor import Supervisor
from tests.bus.servers import free_port

BINARIES = Path(sys.executable).parent


async def test_asking_whether_something_answers_reads_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("twenty times a second, each longer than the request")

    monkeypatch.setattr(ssl, "create_default_context", read)
    assert "does not answer" in str(await answers_http(f"http://127.0.0.1:{free_port()}"))


@pytest.mark.postgres
async def test_postgresql_is_made_once_and_keeps_its_data(
    data: DataDirectory, supervisor: Supervisor
) -> None:
    postgres = from_wheel(data.postgres)
    for attempt in (1, 2):
        postgres.prepare()
        await supervisor.start(postgres.component())
        postgres.ensure_database()
        reach = postgres.environment()
        with psycopg.connect(
            host=reach["DB_HOST"], user=reach["DB_USER"], dbname=reach["DB_NAME"]
        ) as connection:
            if attempt == 1:
                connection.execute("create table boats (name text)")
                connection.execute("insert into boats values ('Gannet')")
                superuser = connection.execute(
                    "select rolsuper from pg_roles where rolname = current_user"
                ).fetchone()
                assert superuser == (False,)
            else:
                assert connection.execute("select name from boats").fetchone() == ("Gannet",)
        await supervisor.stop()
    assert stat.S_IMODE(data.postgres.stat().st_mode) == 0o700


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["my data", "it's a \\ here", "one, two"])
async def test_postgresql_lives_in_a_folder_of_any_name(
    tmp_path: Path, supervisor: Supervisor, name: str
) -> None:
    (tmp_path / name).mkdir()
    postgres = from_wheel(tmp_path / name / "postgres")
    postgres.prepare()
    try:
        await supervisor.start(postgres.component())
        postgres.ensure_database()
        reach = postgres.environment()
        psycopg.connect(host=reach["DB_HOST"], user=reach["DB_USER"], dbname=reach["DB_NAME"]).close()
    finally:
        await supervisor.stop()
        postgres.remove_socket_directory()


@pytest.mark.postgres
async def test_a_long_path_gets_a_short_socket(
    tmp_path: Path, data: DataDirectory, supervisor: Supervisor
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    postgres = from_wheel(deep / "postgres")
    postgres.prepare()
    try:
        await supervisor.start(postgres.component())
        assert len(postgres.environment()["DB_HOST"]) < 60
        assert stat.S_IMODE(postgres.socket_directory.stat().st_mode) == 0o700
    finally:
        await supervisor.stop()
        postgres.remove_socket_directory()
    assert not postgres.socket_directory.exists()


@pytest.mark.nats
async def test_the_bus_lets_nobody_in_without_a_credential(
    data: DataDirectory, supervisor: Supervisor
) -> None:
    import nats
    from nats.aio.client import Client

    bus.identity(data)
    port = free_port()
    await supervisor.start(bus.component(data, port, BINARIES))
    try:
        url = f"nats://127.0.0.1:{port}"
        known = await nats.connect(url, user_credentials=str(data.keys / "control.creds"))
        account = await known.jetstream().account_info()
        assert account.limits.max_storage != 0
        await known.close()

        async def quiet(error: Exception) -> None:
            return

        stranger = Client()
        with pytest.raises(Exception, match=r"(?i)authorization"):
            await stranger.connect(url, allow_reconnect=False, error_cb=quiet)
        await stranger.close()
    finally:
        await supervisor.stop()


@pytest.mark.traefik
async def test_traefik_takes_routes_over_from_the_one_file(
    data: DataDirectory, supervisor: Supervisor
) -> None:
    port, api = free_port(), free_port()
    component = ingress.component(data.traefik, ingress_port=port, api_port=api, binaries=BINARIES)
    await supervisor.start(component)
    try:
        routes = {
            "http": {
                "routers": {
                    "self": {
                        "rule": "Host(`pr-1-shop.preview.localhost`)",
                        "entryPoints": ["web"],
                        "service": "self",
                    }
                },
                "services": {
                    "self": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{api}"}]}},
                },
            }
        }
        temporary = data.routes.with_suffix(".tmp")
        temporary.write_text(json.dumps(routes))
        temporary.replace(data.routes)
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(1200):
                answer = await client.get(
                    f"http://127.0.0.1:{port}/ping", headers={"Host": "pr-1-shop.preview.localhost"}
                )
                if answer.status_code == 200:
                    break
                await asyncio.sleep(0.05)
            stranger = await client.get(f"http://127.0.0.1:{port}/ping", headers={"Host": "elsewhere.test"})
        assert answer.text == "OK"
        assert stranger.status_code == 404
    finally:
        await supervisor.stop()
    kept = {path.name for path in data.traefik.iterdir()}
    assert kept == {"traefik.yml", "routes", "visits"}, "nothing that grows, but for what the worker empties"


def test_lost_keys_of_the_bus_are_named(data: DataDirectory) -> None:
    bus.identity(data)
    (data.keys / "operator.seed").unlink()
    with pytest.raises(CannotRun, match="keys of the bus") as caught:
        bus.identity(data)
    assert f"{data.keys}/operator.seed is missing" in caught.value.fix


@pytest.mark.parametrize(("site", "believed"), [("http://localhost:3000", False), ("https://sea.test", True)])
def test_only_behind_a_proxy_a_request_may_name_its_client(site: str, believed: bool) -> None:
    line = control.web(3000, {"SITE_URL": site}).program.arguments
    asked = web.options(line[line.index("seatrial.control.web") + 1 :])
    assert (asked["port"], asked["proxy_headers"]) == (3000, believed)
    assert asked["forwarded_allow_ips"] == ("127.0.0.1" if believed else None)


def test_a_secret_that_an_operator_has_set_for_the_control_plane_does_not_reach_the_agent(
    tmp_path: Path,
) -> None:
    inherited = {
        "GITLAB_CLIENT_SECRET": "of-sign-in",
        "DB_PASSWORD": "of-the-database",
        "GALLEY_LOG_MB_PER_HOUR": "8",
    }
    data = DataDirectory(tmp_path)
    remembered = Remembered(port=1, ingress_port=2, nats_port=3, traefik_port=4)
    of_agent = agent.environment(data, remembered, "token", inherited)
    assert of_agent["GALLEY_LOG_MB_PER_HOUR"] == "8"
    assert not {"GITLAB_CLIENT_SECRET", "DB_PASSWORD"} & of_agent.keys()


@pytest.mark.parametrize("name", ["GITGRIT_ENCRYPTION_KEY", "GITGRIT_ENCRYPTION_KEY_FILE"])
def test_the_master_key_is_that_of_the_data_directory(tmp_path: Path, name: str) -> None:
    remembered = Remembered(port=1, ingress_port=2, nats_port=3, traefik_port=4)
    kept = secrets.Secrets(secret_key="s", master_key="m", admin_password="p")
    inherited = {name: "of another installation", "GALLEY_MASTER_KEY": "of another installation"}
    of_control = control.environment(DataDirectory(tmp_path), remembered, kept, {}, inherited)
    assert of_control["GALLEY_MASTER_KEY_FILE"] == str(tmp_path / "keys/master-key")
    assert not {name, "GALLEY_MASTER_KEY"} & of_control.keys()
