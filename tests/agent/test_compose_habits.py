"""Usual lines of compose files, on a real engine: a server of an unknown kind, further names, unnamed volumes."""

import subprocess
from pathlib import Path

import pytest

from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.wire.deployments import DeploymentReady, EnvironmentRemoved, ObservedService
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, fetch
from tests.repositories import Repository

pytestmark = pytest.mark.docker

COMPOSE = """
services:
  web:
    image: BUSYBOX
    command: [sh, -c, "(echo NUMBER; until wget -q -O - http://pg_db:5555/starts; do sleep 0.1; done) >> /www/index.html; exec httpd -f -p 80 -h /www"]
    ports: ["80:80"]
    depends_on: [db]
    volumes: [/www]
  db:
    image: BUSYBOX
    container_name: pg_db
    command: [sh, -c, "echo started >> /data/starts; exec httpd -f -p 5555 -h /data"]
    volumes: ["data:/data"]
  wiki:
    image: BUSYBOX
    command: [sh, -c, "echo started >> /data/index.html; exec httpd -f -p 80 -h /data"]
    ports: ["81:80"]
    volumes: ["pages:/data"]
  seed:
    image: BUSYBOX
    command: [sh, -c, "echo ran >> /seed/runs"]
    volumes: ["seed:/seed"]
volumes: {data: , seed: , pages: }
"""


def named(services: list[ObservedService], name: str) -> ObservedService:
    return next(service for service in services if service.name == name)


def volumes_of(container: str) -> list[str]:
    form = "{{range .Mounts}}{{.Name}} {{end}}"
    return subprocess.run(
        ["docker", "inspect", "-f", form, container], check=True, capture_output=True, text=True
    ).stdout.split()


def exists(volume: str) -> bool:
    return (
        subprocess.run(["docker", "volume", "inspect", volume], check=False, capture_output=True).returncode
        == 0
    )


async def test_a_server_nobody_knows_runs_once_and_an_unnamed_volume_is_new(
    agent_id: str, tmp_path: Path, busybox: str, runtime: DockerRuntime
) -> None:
    agent, repository = Agent(agent_id, tmp_path / "agent", runtime), Repository(tmp_path / "shop")
    text = COMPOSE.replace("BUSYBOX", busybox)
    first = deployment(repository.commit({"compose.yaml": text.replace("NUMBER", "1")}))
    wanted = environment(repository, "pr-1-habits", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        db = named(ready.services, "db").container
        second = deployment(repository.commit({"compose.yaml": text.replace("NUMBER", "2")}))
        environments.wanted(then(wanted, revision=5, live=first, candidate=second))
        ready = await agent.reports.next(DeploymentReady, deployment=second.id)
        web = named(ready.services, "web")
        assert await fetch(web.endpoint) == "ok\n2\nstarted\n", (
            "the image's files, its own line, one server for both"
        )
        assert named(ready.services, "db").container == db
        assert await fetch(named(ready.services, "wiki").endpoint) == "started\n", (
            "seen at each push, started once"
        )
        [unnamed] = volumes_of(web.container)
        assert exists(unnamed)
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
    assert not exists(unnamed)
