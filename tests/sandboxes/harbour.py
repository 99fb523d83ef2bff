"""A network for policies, with somebody on it, and what they must not reach around it."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme

from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.walls import Walls
from tests.waiting import LIMIT_SECONDS

HOST_NAME = "gitlab.acme.test"
LINK_LOCAL = f"169.254.{os.getpid() % 250 + 1}.77"  # as clouds' metadata; only of this process
# A resolver that knows one name, its own, a site with TLS, and a port that greets.
SITE = """
import http.server, os, socket, ssl, struct, threading
own = socket.gethostbyname(socket.gethostname())
def resolve():
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("0.0.0.0", 53))
    while True:
        question, asker = line.recvfrom(4096)
        asked = question[12:question.index(b"\\0", 12) + 5]
        found = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(own)
        found = found if asked[-4:-2] == b"\\0\\1" else b""
        line.sendto(question[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if found else 0, 0, 0) + asked + found, asker)
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"hello from the site")
open("/tmp/site.pem", "w").write(os.environ["CERTIFICATE"])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/site.pem")
site = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Hello)
site.socket = context.wrap_socket(site.socket, server_side=True)
greeting = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Hello)
for each in (resolve, greeting.serve_forever):
    threading.Thread(target=each, daemon=True).start()
print("ready", flush=True)
site.serve_forever()
"""


@dataclass
class Surroundings:
    """`network` is the bridge; `site` somebody on it; `doors` what leads to the host and to other networks."""

    network: str
    bridge: str
    site: str
    authority: str
    doors: list[tuple[str, int]] = field(default_factory=list)


@asynccontextmanager
async def surroundings(engine: Engine, image: str) -> AsyncIterator[Surroundings]:
    """Two networks with a site on each; the second one's is published on the host. All of it is removed afterwards."""
    name = f"seatrial-test-{uuid.uuid4().hex[:10]}"
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST_NAME).private_key_and_cert_chain_pem.bytes().decode()
    api = engine._connection.api
    try:
        for network in (name, f"{name}-other"):
            await api.networks.create({"Name": network, "Driver": "bridge", "CheckDuplicate": True})
        site, gateway, _ = await _site(engine, name, image, certificate)
        other, other_gateway, published = await _site(engine, f"{name}-other", image, certificate)
        async with _listening() as port:
            mine = await engine.networks.get(name)
            assert mine is not None
            around = Surroundings(name, mine.interface, site, authority.cert_pem.bytes().decode())
            hosts = [gateway, other_gateway, LINK_LOCAL]
            around.doors = [*((host, port) for host in hosts), (other, 8080), (other_gateway, published)]
            yield around
    finally:
        for network in (name, f"{name}-other"):
            await engine.containers.remove(network)
            await engine.networks.remove(network)


@asynccontextmanager
async def bare(engine: Engine) -> AsyncIterator[Surroundings]:
    """A network with nobody on it."""
    name = f"seatrial-test-{uuid.uuid4().hex[:10]}"
    await engine._connection.api.networks.create({"Name": name, "Driver": "bridge", "CheckDuplicate": True})
    try:
        mine = await engine.networks.get(name)
        assert mine is not None
        yield Surroundings(name, mine.interface, "", trustme.CA().cert_pem.bytes().decode())
    finally:
        await engine.networks.remove(name)


async def _site(engine: Engine, network: str, image: str, certificate: str) -> tuple[str, str, int]:
    """A site on the network, called like it; its address, the host's there, and the host's port that leads to it."""
    config: dict[str, Any] = {
        "Image": image,
        "Entrypoint": ["python3", "-u", "-c", SITE],
        "Env": [f"CERTIFICATE={certificate}"],
        "ExposedPorts": {"8080/tcp": {}},
        "HostConfig": {"NetworkMode": network, "PortBindings": {"8080/tcp": [{"HostPort": ""}]}},
    }
    container = await engine._connection.api.containers.create(config, name=network)
    await container.start()
    async with asyncio.timeout(LIMIT_SECONDS):
        async for line in container.log(stdout=True, stderr=True, follow=True):
            if "ready" in line:
                break
    shown = (await container.show())["NetworkSettings"]
    joined = shown["Networks"][network]
    return joined["IPAddress"], joined["Gateway"], int(shown["Ports"]["8080/tcp"][0]["HostPort"])


@asynccontextmanager
async def _listening() -> AsyncIterator[int]:
    """A service of the host on all of its addresses, one of them such as clouds have."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    await run("ip", "addr", "replace", f"{LINK_LOCAL}/32", "dev", "lo")
    try:
        async with server:
            yield int(server.sockets[0].getsockname()[1])
    finally:
        await run("ip", "addr", "del", f"{LINK_LOCAL}/32", "dev", "lo")


async def taken_down(agent: str, walls: Walls) -> None:
    """Remove all rules of these walls again."""
    own = walls.hardware_address(agent, 0).rpartition(":")[0]
    for program in ("iptables", "ip6tables"):
        for table in ("raw", "filter"):
            rules = (await run(f"{program}-save", "-t", table)).splitlines()
            theirs = (own, f"-{walls.digest[:8]}")  # others may have a jump to the same chains
            jumps = [
                line.replace("-A", "-D", 1)
                for line in rules
                if line.startswith("-A") and " --mac-source " in line and any(one in line for one in theirs)
            ]
            chains = [
                line[1:].split()[0]
                for line in rules
                if line.startswith(":GALLEY-POLICY") and walls.digest[:8] in line
            ]
            lines = [
                f"*{table}",
                *jumps,
                *(f"{order} {chain}" for order in ("-F", "-X") for chain in chains),
                "COMMIT",
                "",
            ]
            await run(f"{program}-restore", "-w", "5", "--noflush", said="\n".join(lines))


async def run(*command: str, said: str = "") -> str:
    """What the command says."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    process = await asyncio.create_subprocess_exec(*command, **pipes)
    out, errors = await process.communicate(said.encode())
    assert process.returncode == 0, (command, errors)
    return out.decode()
