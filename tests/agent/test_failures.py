"""Failures that need a real engine: a service listens elsewhere, or runs out of memory."""

import pytest

from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import DeploymentFailed, DeploymentPhase
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import gone, single
from tests.repositories import Repository

pytestmark = pytest.mark.docker


async def failed(agent: Agent, repository: Repository, files: dict[str, str]) -> DeploymentFailed:
    wanted = environment(repository, "pr-1-bad", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        failure = await agent.reports.next(DeploymentFailed)
        assert await agent.runtime.list_containers({AGENT: agent.id}) == []
        await gone(agent, wanted.environment)
        assert len(agent.reports.all(DeploymentFailed)) == 1
        assert any(phase.failed for phase in agent.reports.all(DeploymentPhase))
    return failure


async def test_a_service_that_takes_too_much_memory(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    command = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    failure = await failed(
        agent, repository, single(busybox, command, "    expose: 80\n    restart: never\n")
    )
    assert failure.message.startswith(
        "web was ended for using more than its 64 MB of memory. Give it more with"
    )


async def test_a_service_that_only_listens_to_itself(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    more = "    expose: 8080\n    health: {path: /, timeout: 4s}\n"
    files = single(busybox, "httpd -f -p 127.0.0.1:8080 -h /www", more)
    failure = await failed(agent, repository, files)
    assert failure.reason == "unhealthy"
    assert failure.message.startswith("web listens on 127.0.0.1:8080 only: make it listen on 0.0.0.0. After ")
