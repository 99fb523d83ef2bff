"""Mounted files of the commit are in the container before it starts; an image's HEALTHCHECK is believed, but a
visitor must get through as well."""

import pytest

from seatrial.agent.environments.health import Watch
from seatrial.agent.environments.launch import Planned
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.containers import ContainerSpec, HealthCheck
from seatrial.agent.vocabulary.errors import Unhealthy
from seatrial.wire.deployments import DeploymentFailed, DeploymentReady
from seatrial.wire.states import ServiceKind
from tests.agent.harness import Agent, Repository, deployment, environment
from tests.agent.previews import run, until

pytestmark = pytest.mark.docker

MOUNTED = """
services:
  web:
    image: BUSYBOX
    command: httpd -f -p 8080 -h /site
    ports: ["8080:8080"]
    volumes: ["./site:/site:ro", "./page.txt:/etc/deep/page.txt"]
"""
CHECKED = """FROM BUSYBOX
EXPOSE 8080
HEALTHCHECK --interval=1s --timeout=5s --retries=1 CMD {check}
CMD httpd -f -p {address} -h /www
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
        ready = await agent.told.next(DeploymentReady)
        [web] = ready.services
        assert (
            await run(runtime, web.container, "cat /site/index.html /etc/deep/page.txt") == "mounteddeep down"
        )
        assert (await run(runtime, web.container, "cat /site/passwd")).startswith("cat: can't open")
        assert any("site is copied to /site" in warning for warning in ready.warnings)
    builds = agent.directory / "builds" / desired.environment
    assert not builds.exists() or not any(builds.iterdir())


@pytest.mark.parametrize(
    ("check", "address", "told"),
    [
        ("false", "8080", "the health command ended with 1"),
        ("true", "127.0.0.1:8080", "It listens on 127.0.0.1:8080 only"),
    ],
    ids=["the image says no", "nobody else gets through"],
)
async def test_not_well(
    agent: Agent, repository: Repository, busybox: str, check: str, address: str, told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("seatrial.agent.vocabulary.containers.LEAST_HEALTH_SECONDS", 2.0)
    commit = repository.commit(
        {"Dockerfile": CHECKED.replace("BUSYBOX", busybox).format(check=check, address=address)}
    )
    desired = environment(repository, "quay", candidate=deployment(commit))
    async with agent.running() as environments:
        environments.wanted(desired)
        environments.replayed({desired.environment})
        failed = await agent.told.next(DeploymentFailed, seconds=60)
    assert failed.reason == "unhealthy"
    assert told in failed.message


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
