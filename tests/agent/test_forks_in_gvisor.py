"""A preview of a fork on a real engine: its containers run in gVisor, work as others do, and reach nothing private."""

import json
import os
from pathlib import Path

import httpx
import psutil
import pytest

from seatrial.agent import firewall
from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.proof import listening
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.fence import PreviewFence, interface
from seatrial.agent.sandboxes.assembly import sandbox_image
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.agent.vocabulary.logs import quiet
from seatrial.wire.deployments import EnvironmentObserved
from seatrial.wire.states import Isolation
from tests.agent.elsewhere import elsewhere
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up
from tests.engines import missing, require
from tests.repositories import Repository
from tests.waiting import LIMIT_SECONDS, until

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]

# Serves what it sees: its kernel, a sibling by name, and which of the addresses in the query it reaches.
WEB = """
import http.server, json, socket, sys
def reached(place):
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 3).close()
        return True
    except OSError:
        return False
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.path.partition("?")[2].split(",")
        seen = {"kernel": open("/proc/version").read(), "reached": [place for place in asked if reached(place)]}
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(seen).encode())
print("serves", flush=True)
http.server.HTTPServer(("0.0.0.0", 8080), Page).serve_forever()
"""
DATA = "import socket\nlistener = socket.create_server(('0.0.0.0', 6000))\nwhile True: listener.accept()[0].close()"


def recipe(image: str) -> dict[str, str]:
    """A web service, one that it finds by name, and a step before both."""
    before = {"depends_on": {"seed": {"condition": "service_completed_successfully"}}}

    def service(program: str, **more: object) -> dict[str, object]:
        return {"image": image, "entrypoint": ["python3", "-u", "-c", program.replace("$", "$$")], **more}

    services = {
        "seed": service("print('seeded in', open('/proc/version').read())", restart="no"),
        "data": service(DATA, **before),
        "web": service(WEB, ports=["8080"], healthcheck={"test": ["CMD", "python3", "-c", "pass"]}, **before),
    }
    return {"compose.yaml": json.dumps({"services": services})}


async def test_it_runs_in_gvisor_works_as_others_do_and_reaches_nothing_private(
    agent: Agent, repository: Repository, runtime: DockerRuntime, tmp_path: Path
) -> None:
    require("gvisor")
    if why := await runtime.uncontained():
        missing(why)
    if not firewall.available():
        missing("no iptables, or no root: previews are not fenced here")
    runtime.fence = PreviewFence()
    _, images, _ = docker_builds(runtime.engine, tmp_path / "builds", "isolated")
    image = await sandbox_image(runtime.engine, images, tmp_path / "builds").ensure(quiet)
    commit = repository.commit(recipe(image))
    candidate = deployment(commit).model_copy(update={"untrusted": True, "private_networks": True})
    wanted = environment(repository, "pr-1-shop", candidate=candidate)
    with elsewhere() as place:
        async with listening() as (port, knocked), agent.running() as environments:
            ready = await come_up(agent, environments, wanted)
            assert ready.isolation is Isolation.GVISOR
            web = next(service for service in ready.services if service.name == "web")
            assert web.endpoint is not None
            [network] = await runtime.list_networks({AGENT: agent.id})
            bridge = psutil.net_if_addrs()[interface(network)]
            host = next(one.address for one in bridge if one.family.name == "AF_INET")
            internet, private = f"{place.internet}:8080", f"{place.private}:8080"
            others = [private, f"{place.shared}:8080", f"{place.metadata}:8080", f"{host}:{port}"]
            asked = ",".join(["data:6000", internet, *others])
            async with httpx.AsyncClient(timeout=LIMIT_SECONDS) as client:
                seen = (await client.get(f"http://{web.endpoint}/?{asked}")).json()
                assert seen["reached"] == ["data:6000", internet] and not knocked.is_set()
                assert "4.4.0" in seen["kernel"] and os.uname().release not in seen["kernel"]
                await agent.reports.line("seed: seeded in Linux version 4.4.0")
                await agent.reports.line("web: serves")
                runtimes = {
                    await runtime.engine.containers.runtime(one.name)
                    for one in await runtime.list_containers({AGENT: agent.id})
                }
                assert runtimes == {"runsc-previews"}

                await agent.reports.next(EnvironmentObserved, deployment=candidate.id)
                environments.wanted(
                    then(wanted, revision=8, live=candidate, candidate=None, running=False, paused=True)
                )

                async def is_(state: ContainerState) -> bool:
                    found = await runtime.get(web.container)
                    return found is not None and found.state is state

                await until(lambda: is_(ContainerState.PAUSED), what="it is paused")
                environments.wanted(then(wanted, revision=9, live=candidate, candidate=None))
                await until(lambda: is_(ContainerState.RUNNING), what="it goes on")
                assert (await client.get(f"http://{web.endpoint}/?data:6000")).json()["reached"] == [
                    "data:6000"
                ]
