"""With AIRGAPPED, no HTTP request of the control plane leaves but to its own machine, its settings and its forges."""

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from seatrial.control import outbound
from seatrial.control.configuration import Configuration
from seatrial.control.outbound import AirGapped, MetadataAddress

SETTINGS = {"site_url": "https://seatrial.example.test", "galley_traefik_api_url": "http://traefik:8081/api"}
CONTROL = Path(outbound.__file__).parent


def asked(url: str, *, airgapped: bool = True, forges: tuple[str, ...] = ()) -> int:
    """The status of an answer that never leaves this process."""
    configuration = Configuration(airgapped=airgapped, **SETTINGS)
    answering = httpx.MockTransport(lambda _: httpx.Response(200))
    with outbound.client(configuration, to=forges, transport=answering) as client:
        return client.get(url).status_code


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/healthz",
        "http://[::1]:3000/",
        "http://localhost/",
        "https://seatrial.example.test/api",
        "http://traefik:8081/api/http/services/x",
        "https://git.example.test:8443/api/v4",
    ],
)
def test_what_is_ours_or_a_forge_is_asked(url: str) -> None:
    assert asked(url, forges=("https://git.example.test:8443/",)) == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://api.github.com/",
        "http://169.254.169.254/latest",
        "http://10.0.0.5/",
        "https://git.example.test.evil.test/",
        "https://notlocalhost/",
        "http://127.0.0.1.evil.test/",
        "https://git.example.test@evil.test/",
    ],
)
def test_nothing_else_is(url: str) -> None:
    with pytest.raises(AirGapped, match=r"AIRGAPPED is set, and .* is neither this machine"):
        asked(url, forges=("https://git.example.test",))
    if "169.254" not in url:
        assert asked(url, airgapped=False) == 200


METADATA = [
    "http://169.254.169.254/latest",
    "http://169.254.1.1/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://0xa9fea9fe/",
]


@pytest.mark.parametrize("url", METADATA)
def test_where_clouds_keep_credentials_nobody_asks_whoever_connects_it(url: str) -> None:
    for airgapped in (True, False):
        with pytest.raises(MetadataAddress, match="never asked"):
            asked(url, airgapped=airgapped, forges=(url,))


def test_nor_by_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = {"git.evil.test": "169.254.169.254", "git.example.test": "10.0.0.5"}

    def looked_up(host: str, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    assert asked("https://git.example.test/", airgapped=False) == 200
    with pytest.raises(MetadataAddress):
        asked("https://git.evil.test/", airgapped=False, forges=("https://git.evil.test/",))


async def test_nor_without_waiting_for_it() -> None:
    answering = httpx.MockTransport(lambda _: httpx.Response(200))
    async with outbound.async_client(Configuration(), transport=answering) as client:
        assert (await client.get("http://127.0.0.1:1/")).status_code == 200
        with pytest.raises(MetadataAddress):
            await client.get("http://169.254.169.254/")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a server that sends everybody away."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://elsewhere.test/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


async def test_a_redirect_does_not_lead_out(elsewhere: str) -> None:
    configuration = Configuration(airgapped=True, **SETTINGS)
    async with outbound.async_client(configuration, follow_redirects=True) as client:
        with pytest.raises(AirGapped, match=re.escape("elsewhere.test")):
            await client.get(elsewhere)


def test_no_client_is_made_anywhere_else() -> None:
    makes = re.compile(
        r"httpx\.(Async)?Client\(|httpx\.(get|post|put|patch|delete|request|stream)\(|urlopen\("
    )
    strays = [
        f"{file.relative_to(CONTROL)}:{number}"
        for file in CONTROL.rglob("*.py")
        if file != Path(outbound.__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if makes.search(line)
    ]
    assert strays == [], "make it with seatrial.control.outbound: AIRGAPPED must hold for it"
