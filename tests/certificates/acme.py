"""Pebble as the authority of a test, with a DNS of its own that Traefik's provider `httpreq` writes to."""

import http.server
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme

from tests.bus.servers import free_port
from tests.certificates.programs import running
from tests.engines import require
from tests.waiting import eventually


@dataclass
class Zone:
    """Takes what `httpreq` asks for: records for the DNS of the authority. `refuses`: it answers as a provider does whose token is wrong."""

    management: str
    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    def present(self, path: str, body: dict[str, str]) -> int:
        """Write or remove a record; returns the status to answer with."""
        self.asked.append(f"{path} {body['fqdn']}")
        if self.refuses:
            return 403
        order = {"/present": "set-txt", "/cleanup": "clear-txt"}[path]
        asked = urllib.request.Request(
            f"{self.management}/{order}",
            data=json.dumps({"host": body["fqdn"], "value": body.get("value", "")}).encode(),
        )
        with urllib.request.urlopen(asked) as answer:
            return int(answer.status)


@dataclass
class Authority:
    """Its address, what its clients must be told, and the certificates that lead to the ones it issues."""

    directory: str
    environment: dict[
        str, str
    ]  # what an operator has in acme.env, and where the authority's own certificate is
    zone: Zone
    roots: str  # where it gives its root
    own: Path

    def root(self) -> str:
        """The root of what it issues, as PEM."""
        return httpx.get(self.roots, verify=ssl.create_default_context(cafile=self.own), trust_env=False).text


@contextmanager
def authority(folder: Path, *, hours: float = 24) -> Iterator[Authority]:
    """Pebble and its DNS. What it issues is good for `hours`."""
    folder.mkdir()
    own = trustme.CA()
    own.cert_pem.write_to_path(str(folder / "own.pem"))
    leaf = own.issue_cert("localhost", "127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "leaf.key"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "leaf.pem"))
    acme, management, dns, records = (free_port() for _ in range(4))
    settings = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "leaf.pem"),
        "privateKey": str(folder / "leaf.key"),
        "httpPort": 1,
        "tlsPort": 1,
        "certificateValidityPeriod": int(hours * 3600),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]
    resolver = f"127.0.0.1:{dns}"
    with ExitStack() as stack:
        command = [
            require("pebble-challtestsrv"),
            "-dns01",
            resolver,
            "-management",
            f"127.0.0.1:{records}",
            *off,
        ]
        stack.enter_context(running(command, folder / "dns.log"))
        command = [require("pebble"), "-config", str(folder / "pebble.json"), "-dnsserver", resolver]
        at_once = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        stack.enter_context(running(command, folder / "pebble.log", at_once))
        zone = Zone(f"http://127.0.0.1:{records}")
        provider = stack.enter_context(serving(zone))
        made = Authority(
            directory=f"https://localhost:{acme}/dir",
            environment={
                "HTTPREQ_ENDPOINT": provider,
                "HTTPREQ_POLLING_INTERVAL": "1",
                "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_DNSCHALLENGE_RESOLVERS": resolver,
                "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_DNSCHALLENGE_PROPAGATION_DISABLECHECKS": "true",
            },
            zone=zone,
            roots=f"https://127.0.0.1:{management}/roots/0",
            own=folder / "own.pem",
        )
        eventually(made.root, what="pebble answers", not_yet=(httpx.HTTPError,))
        yield made


@contextmanager
def serving(zone: Zone) -> Iterator[str]:
    """The address of the provider's API."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = zone.present(self.path, body)
            said = b"the token may not edit this zone" if status == 403 else b"{}"
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
