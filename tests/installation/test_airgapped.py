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
from seatrial.control.outbound import AirGapped, MetadataAddress, PrivateAddress

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
    if not re.search(r"//(169\.254|10)\.", url):
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


@pytest.mark.parametrize(
    "address",
    ["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254", "100.100.100.200", "fe80::1%eth0"],
)
def test_nor_by_a_gateway(address: str, leads: dict[str, list[str]]) -> None:
    leads["git.evil.test"] = [address]
    with pytest.raises(MetadataAddress):
        really_asked("http://git.evil.test/")


PRIVATE = [
    "10.0.0.5",
    "192.168.1.1",
    "172.16.0.9",
    "100.64.0.1",
    "fd12::1",
    "127.0.0.1",
    "0.0.0.0",
    "::ffff:10.0.0.5",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_are_only_for_configured_hosts(address: str, leads: dict[str, list[str]]) -> None:
    leads["somebody.test"] = ["8.8.8.8", address]
    with pytest.raises(PrivateAddress, match="nobody made a connection to it"):
        really_asked("http://somebody.test/", to=())
    leads["git.example.test"] = [address]
    answering = httpx.MockTransport(lambda _: httpx.Response(200))
    with outbound.client(Configuration(), to=["https://git.example.test"], transport=answering) as client:
        assert client.get("https://git.example.test/").status_code == 200


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Where names lead. One that has several answers has the next one each time, and the last for ever."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def looked_up(host: str, port: object, *rest: object, **options: object) -> list[object]:
        if host not in names:
            return real(host, port, *rest, **options)  # type: ignore[arg-type]
        if options.get("flags") == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return names


def really_asked(url: str, *, to: tuple[str, ...] | None = None) -> int:
    """The status of an answer over a connection of its own."""
    options = {"to": (url,) if to is None else to, "trust_env": False, "timeout": 10}
    with outbound.client(Configuration(), **options) as client:
        return client.get(url).status_code


def test_nor_by_a_name(leads: dict[str, list[str]], elsewhere: str) -> None:
    leads["git.evil.test"] = ["169.254.169.254"]
    leads["git.example.test"] = ["127.0.0.1"]
    assert really_asked(elsewhere.replace("127.0.0.1", "git.example.test")) == 302
    with pytest.raises(MetadataAddress):
        really_asked("http://git.evil.test/")


def test_a_connection_goes_where_the_check_has_looked(
    monkeypatch: pytest.MonkeyPatch, leads: dict[str, list[str]], elsewhere: str
) -> None:
    """A name that is another address at every look: the address that was checked is the one that is used."""
    checked: list[list[str]] = []
    connected: list[str] = []
    leads["git.example.test"] = ["127.0.0.1"]
    real_addresses, real_connect = outbound.Guard.addresses, socket.create_connection

    def addresses(self: outbound.Guard, host: str, *rest: object, **options: object) -> list[str]:
        try:
            found = real_addresses(self, host, *rest, **options)  # type: ignore[arg-type]
        finally:
            leads["git.example.test"] = ["169.254.169.254"]
        checked.append(found)
        return found

    def connect(address: tuple[str, int], *rest: object, **options: object) -> socket.socket:
        connected.append(address[0])
        return real_connect(address, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(outbound.Guard, "addresses", addresses)
    monkeypatch.setattr(socket, "create_connection", connect)
    url = elsewhere.replace("127.0.0.1", "git.example.test")
    with outbound.client(Configuration(), to=[url], trust_env=False) as client:
        leads["git.example.test"] = ["127.0.0.1"]
        client._event_hooks = {
            "request": [],
            "response": [],
        }  # the check of the request itself is another one
        assert client.get(url).status_code == 302
    assert (checked, connected) == ([["127.0.0.1"]], ["127.0.0.1"])


def test_a_name_with_an_address_that_does_not_answer_leads_to_the_next(
    leads: dict[str, list[str]], elsewhere: str
) -> None:
    leads["git.example.test"] = ["127.255.255.254", "127.0.0.1"]
    assert really_asked(elsewhere.replace("127.0.0.1", "git.example.test")) == 302


async def test_the_same_holds_for_clients_that_do_not_block(
    leads: dict[str, list[str]], elsewhere: str
) -> None:
    leads.update({"git.evil.test": ["169.254.169.254"], "git.example.test": ["127.255.255.254", "127.0.0.1"]})
    urls = [elsewhere.replace("127.0.0.1", "git.example.test"), "http://git.evil.test/"]
    async with outbound.async_client(Configuration(), to=urls, trust_env=False) as client:
        assert (await client.get(urls[0])).status_code == 302
        with pytest.raises(MetadataAddress):
            await client.get(urls[1])


def test_a_name_is_looked_at_also_where_a_proxy_asks(
    monkeypatch: pytest.MonkeyPatch, leads: dict[str, list[str]]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    leads["git.evil.test"] = ["169.254.169.254"]
    with outbound.client(Configuration(), to=["http://git.evil.test"]) as client:
        with pytest.raises(MetadataAddress):
            client.get("http://git.evil.test/")
        with pytest.raises(httpx.ConnectError):  # the proxy is not there
            client.get("http://8.8.8.8/")


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
