"""Mounted files of the commit are in the container before it starts; a health command that hangs piles up nowhere."""

import pytest

from seatrial.agent.environments.health import Watch
from seatrial.agent.environments.launch import Planned
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.containers import ContainerSpec, HealthCheck
from seatrial.agent.vocabulary.errors import Unhealthy
from seatrial.wire.deployments import DeploymentReady
from seatrial.wire.states import ServiceKind
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import run
from tests.repositories import Repository
from tests.waiting import until

pytestmark = pytest.mark.docker

MOUNTED = """
services:
  web:
    image: BUSYBOX
    command: httpd -f -p 8080 -h /site
    ports: ["8080:8080"]
    volumes: ["./site:/site:ro", "./page.txt:/etc/deep/page.txt"]
    configs: [{source: app, target: /etc/app.ini}]
    secrets: [key]
configs: {app: {content: " for ${WHO:-all}"}}
secrets: {key: {file: page.txt}}
"""


async def test_what_compose_mounts_is_there(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    (repository.path / "site").mkdir()
    (repository.path / "site" / "passwd").symlink_to("/etc/passwd")
    commit = repository.commit(
        {
            "compose.yaml": MOUNTED.replace("BUSYBOX", busybox),
            "site/index.html": "mounted",
            "page.txt": "deep down",
        }
    )
    desired = environment(repository, "quay", candidate=deployment(commit))
    async with agent.running() as environments:
        environments.wanted(desired)
        environments.replayed({desired.environment})
        ready = await agent.reports.next(DeploymentReady)
        [web] = ready.services
        assert (
            await run(runtime, web.container, "cat /site/index.html /etc/deep/page.txt /etc/app.ini")
            == "mounteddeep down for all"
        )
        assert await run(runtime, web.container, "cat /run/secrets/key") == "deep down"
        assert (await run(runtime, web.container, "cat /site/passwd")).startswith("cat: can't open")
        assert any("site is copied to /site" in warning for warning in ready.warnings)
    builds = agent.directory / "builds" / desired.environment
    assert not builds.exists() or not any(builds.iterdir())


async def test_a_command_that_hangs_is_asked_again_only_after_its_interval(
    runtime: DockerRuntime, labels: dict[str, str], busybox: str, agent_id: str
) -> None:
    name = f"galley-test-{agent_id[-8:].lower()}"
    command = ["sh", "-c", "echo asked >> /tmp/asks; exec sleep 300"]
    health = HealthCheck(command=command, timeout_seconds=5, interval_seconds=3, ask_seconds=0.5)
    service = Service("job", ServiceKind.WORKER, health=health)
    spec = ContainerSpec(name, busybox, labels, networks={}, command=["sleep", "600"])
    await runtime.start(spec)
    with pytest.raises(Unhealthy, match=r"the health command did not end within 0.5 s"):
        await Watch(runtime, Planned(service, spec, durable=False), "").until_well()

    async def asked() -> bool:
        return (await run(runtime, name, "cat /tmp/asks")).count("asked") in {2, 3}

    await until(asked)  # a busy engine begins a command late
