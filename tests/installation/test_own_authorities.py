"""A code host and a control plane with certificates of an organisation's own authority are trusted, whichever variable names it."""

import asyncio
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from pydantic import SecretStr
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from seatrial.agent.bus.identity import Identity
from seatrial.agent.bus.registration import RegistrationRefused, registered
from seatrial.agent.checkouts.authorities import trusted
from seatrial.agent.settings import Settings
from seatrial.control import outbound
from seatrial.control.configuration import Configuration
from tests.agent.test_identity import GIVEN
from tests.waiting import LIMIT_SECONDS

VARIABLES = ["GITGRIT_CUSTOM_CA_FILE_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return authority


@pytest.fixture
def site(authority: trustme.CA) -> Iterator[str]:
    """The address of a server whose certificate is of `authority`; it registers agents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    answer = Request.application(lambda _: Response(json.dumps(GIVEN), content_type="application/json"))
    server = make_server("127.0.0.1", 0, answer, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(LIMIT_SECONDS)
    server.server_close()


@pytest.fixture(params=VARIABLES)
def named(request: pytest.FixtureRequest, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The authority is named by one of the variables."""
    monkeypatch.setenv(request.param, str(tmp_path / "authority.pem"))
    return site


def asked(url: str) -> int:
    with outbound.client(Configuration(), to=[url], trust_env=False, timeout=LIMIT_SECONDS) as client:
        return client.get(url).status_code


async def asked_without_waiting(url: str) -> int:
    async with outbound.async_client(
        Configuration(), to=[url], trust_env=False, timeout=LIMIT_SECONDS
    ) as client:
        return (await client.get(url)).status_code


def fetched(url: str, folder: Path) -> str:
    """What git says when the agent has it ask `url`."""
    environment = trusted(Settings().gitgrit_custom_ca_file_path, folder)
    command = ["git", "-c", "http.proxy=", "ls-remote", url]
    done = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False
    )
    return done.stderr


async def register(url: str, folder: Path) -> str:
    settings = Settings(galley_control_plane_url=url, galley_agent_token=SecretStr("galley_t"))
    async with asyncio.timeout(LIMIT_SECONDS):
        _, credential = await registered(Identity.load(folder / "identity"), settings, release="1")
    return credential.agent


async def test_every_client_trusts_it(named: str, tmp_path: Path) -> None:
    assert asked(named) == await asked_without_waiting(named) == 200
    assert "certificate" not in fetched(named, tmp_path), "git went on to what is no repository"
    assert await register(named, tmp_path) == GIVEN["agent"]


async def test_none_trusts_it_unless_it_is_named(site: str, tmp_path: Path) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        asked(site)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await asked_without_waiting(site)
    assert "certificate" in fetched(site, tmp_path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await register(site, tmp_path)


async def test_a_file_without_certificates_is_named_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authority.pem").write_text("nothing")
    monkeypatch.setenv("GITGRIT_CUSTOM_CA_FILE_PATH", str(tmp_path / "authority.pem"))
    with pytest.raises(
        RegistrationRefused, match=r"GITGRIT_CUSTOM_CA_FILE_PATH: .*authority.pem holds no cert"
    ):
        await register("https://127.0.0.1:1", tmp_path)
