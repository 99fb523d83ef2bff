"""Every way in which a candidate fails is reported plainly, and leaves nothing behind."""

import pytest

from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import DeploymentFailed, DeploymentPhase
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import gone, single
from tests.repositories import Repository


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


async def test_a_service_that_exits(agent: Agent, repository: Repository, busybox: str) -> None:
    files = single(busybox, "echo no database; exit 3", "    expose: 80\n    restart: never\n")
    failure = await failed(agent, repository, files)
    assert (failure.reason, failure.service) == ("service_exited", "web")
    assert failure.message == "web exited with code 3"
    assert failure.log_tail == ["no database"]


async def test_a_service_that_crashes_again_and_again(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    failure = await failed(agent, repository, single(busybox, "exit 4", "    expose: 80\n"))
    assert failure.reason == "service_exited" and "web exited with code 4, " in failure.message


async def test_a_service_that_takes_too_much_memory(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    command = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    failure = await failed(
        agent, repository, single(busybox, command, "    expose: 80\n    restart: never\n")
    )
    assert failure.message == "web was ended for using more than its 64 MB of memory"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("httpd -f -p 9090 -h /www", "It listens on port 9090, not on 8080. Set expose to 9090"),
        (
            "httpd -f -p 127.0.0.1:8080 -h /www",
            "It listens on 127.0.0.1:8080 only: make it listen on 0.0.0.0",
        ),
        ("sleep 600", "It listens on no TCP port"),
    ],
)
async def test_a_service_that_listens_elsewhere(
    agent: Agent, repository: Repository, busybox: str, command: str, words: str
) -> None:
    more = "    expose: 8080\n    health: {path: /, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, command, more))
    assert failure.reason == "unhealthy"
    assert failure.message.startswith("web runs, but GET / on port 8080 got no answer (connection refused)")
    assert failure.message.endswith(words)


async def test_a_service_that_answers_wrongly(agent: Agent, repository: Repository, busybox: str) -> None:
    more = "    expose: 8080\n    health: {path: /healthz, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, "httpd -f -p 8080 -h /www", more))
    assert failure.message == "web runs, but GET /healthz on port 8080 answered 404, not 200 after 1 s"


async def test_bad_input_before_anything_is_built(agent: Agent, repository: Repository, busybox: str) -> None:
    more = "    expose: 80\n    env: {KEY: '${MISSING}'}\n"
    failure = await failed(agent, repository, single(busybox, "true", more))
    assert failure.reason == "unresolved_variable" and failure.service == "web"
    assert "services.web.env.KEY: ${MISSING} has no value" in failure.message
    assert agent.builder.built == []


async def test_no_recipe_and_a_failing_build(agent: Agent, repository: Repository, busybox: str) -> None:
    assert (await failed(agent, repository, {"README": "nothing"})).reason == "no_recipe"
    broken = {"Dockerfile": f"FROM {busybox}\nRUN false\nEXPOSE 80\n"}
    agent.reports.events.clear()
    failure = await failed(agent, repository, broken)
    assert (failure.reason, failure.service) == ("build_failed", "web") and failure.log_tail


CHECKED = """FROM BUSYBOX
EXPOSE 8080
HEALTHCHECK --interval=200ms --timeout=500ms --retries=1 CMD {check}
CMD httpd -f -p {address} -h /www
"""


@pytest.mark.parametrize(
    ("check", "address", "explanation"),
    [
        ("false", "8080", "the health command ended with 1"),
        ("true", "127.0.0.1:8080", "It listens on 127.0.0.1:8080 only"),
    ],
    ids=["the image says no", "nobody else gets through"],
)
async def test_an_images_own_check_is_believed_and_a_visitor_must_get_through_as_well(
    agent: Agent, repository: Repository, busybox: str, check: str, address: str, explanation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("seatrial.agent.vocabulary.containers.LEAST_HEALTH_SECONDS", 1.0)
    commit = repository.commit(
        {"Dockerfile": CHECKED.replace("BUSYBOX", busybox).format(check=check, address=address)}
    )
    desired = environment(repository, "quay", candidate=deployment(commit))
    async with agent.running() as environments:
        environments.wanted(desired)
        environments.replayed({desired.environment})
        failure = await agent.reports.next(DeploymentFailed)
    assert failure.reason == "unhealthy"
    assert explanation in failure.message
