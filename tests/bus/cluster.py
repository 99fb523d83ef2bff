"""Three real nats-servers of one bus, with the configuration that we ship: TLS to clients, certificates between nodes."""

import os
import socket
import ssl
import subprocess
import time
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from nats.js import api

from seatrial.control import streams
from seatrial.control.bus import Bus
from seatrial.control.fleet.bus_identity import BusIdentity, ensure
from seatrial.wire import subjects
from tests.airgap.authorities import DAY, NOW
from tests.bus.servers import START_SECONDS, free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "bus"
CONSUMERS = {
    subjects.OBSERVED_STREAM: subjects.OBSERVED_CONSUMER,
    subjects.JOBS_STREAM: subjects.EVALUATIONS_CONSUMER,
}
INSTALLED = "/var/lib/galley-server"
HOST = "127.0.0.1"


class Authority:
    """Issues certificates for this machine's loopback, and for further addresses."""

    def __init__(self, *addresses: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme Root")])
        self.addresses = [HOST, *addresses]
        self.pem = self._signed(self.name, self.key, ca=True)

    def issue(self, directory: Path) -> None:
        """tls.crt, tls.key and ca.crt, as the shipped configuration wants them."""
        directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bus.acme.test")])
        (directory / "tls.crt").write_bytes(self._signed(name, key, ca=False))
        (directory / "tls.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (directory / "ca.crt").write_bytes(self.pem)

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        built = x509.CertificateBuilder(
            self.name, name, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + timedelta(365)
        ).add_extension(x509.BasicConstraints(ca, None), critical=True)
        if not ca:
            named: list[x509.GeneralName] = [x509.IPAddress(ip_address(one)) for one in self.addresses]
            named.append(x509.DNSName("localhost"))
            built = built.add_extension(x509.SubjectAlternativeName(named), critical=False)
        return built.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


class Node:
    """One server. `kill` and `start` as often as one likes: its disk stays."""

    def __init__(self, name: str, directory: Path, *, host: str = HOST, port: int = 0) -> None:
        self.name, self.directory, self.host = name, directory, host
        self.port, self.route = port or free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.command: list[str] = []

    def configure(
        self, program: str, authority: Authority, identity: BusIdentity, routes: list[str], kind: str
    ) -> None:
        """Put the shipped files there, with this machine's paths and ports, and what the first host copies to the others."""
        authority.issue(self.directory / "tls")
        (self.directory / "keys").mkdir(exist_ok=True)
        auth = identity.server_config.read_text().replace(
            str(identity.directory), str(self.directory / "keys")
        )
        (self.directory / "keys" / "nats-auth.conf").write_text(auth)
        for file in SHIPPED.glob("*.conf"):
            text = file.read_text().replace(INSTALLED, str(self.directory))
            text = text.replace("0.0.0.0:4222", f"{self.host}:{self.port}").replace(
                "0.0.0.0:6222", f"{self.host}:{self.route}"
            )
            (self.directory / file.name).write_text(
                text.replace("http: 127.0.0.1:8222", "").replace("max_file: 4GB", "max_file: 1GB")
            )
        self.command = [program, "--config", str(self.directory / f"{kind}.conf")]
        if routes:
            self.command += ["--name", self.name, "--routes", ",".join(routes)]

    def start(self) -> None:
        with (self.directory / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ)
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self.directory / "nats.log").read_text()[-2000:])

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Cluster:
    """The bus of three. Looks like `NatsServer` to whoever only starts and kills it as a whole."""

    def __init__(self, program: str, directory: Path) -> None:
        self._common(directory, Authority())
        self.settings["GALLEY_NATS_REPLICAS"] = "3"
        self.nodes = {name: Node(name, directory / name) for name in ("one", "two", "three")}
        routes = [f"nats://localhost:{node.route}" for node in self.nodes.values()]
        for node in self.nodes.values():
            node.directory.mkdir()
            node.configure(program, self.authority, self.identity, routes, "nats-cluster")

    def _common(self, directory: Path, authority: Authority) -> None:
        self.identity = ensure(directory / "keys")
        self.authority = authority
        self.authorities = directory / "ca.pem"
        self.authorities.write_bytes(authority.pem)
        self.context = ssl.create_default_context(cafile=str(self.authorities))
        self.settings = {"GITGRIT_CUSTOM_CA_FILE_PATH": str(self.authorities)}

    @property
    def url(self) -> str:
        return ",".join(f"tls://{node.host}:{node.port}" for node in self.nodes.values())

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()

    def kill(self) -> None:
        for node in self.nodes.values():
            node.kill()


class WithTLS(Cluster):
    """A bus of one with TLS, at an address of this machine that other hosts reach."""

    def __init__(self, program: str, directory: Path, host: str) -> None:
        self._common(directory, Authority(host))
        node = Node("one", directory / "one", host=host)
        node.directory.mkdir()
        node.configure(program, self.authority, self.identity, [], "nats-tls")
        self.nodes = {"one": node}


async def caught_up(bus: Bus) -> bool:
    """Whether every copy of each stream and consumer holds what its first one does. The server makes further ones one after the
    other; while there is only a beginning of them, the loss of the node with the first is the loss of most."""
    listed = await streams.every(bus.client)
    clusters = [info.cluster for info in listed.infos]
    for stream, consumer in CONSUMERS.items():
        clusters.append((await bus.jetstream.consumer_info(stream, consumer)).cluster)
    return not listed.silent and all(map(_is_whole, clusters))


def _is_whole(cluster: api.ClusterInfo | None) -> bool:
    peers = (cluster.replicas if cluster else None) or []
    return bool(cluster and cluster.leader) and len(peers) == 2 and all(peer.current for peer in peers)
