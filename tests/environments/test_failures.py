"""Every way in which a candidate fails is reported plainly, and leaves nothing behind."""

from dataclasses import replace

import pytest

from seatrial.agent.environments import actor, observing
from seatrial.agent.vocabulary.errors import NoVariables
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
)
from seatrial.wire.envelope import Message
from seatrial.wire.variables import Values
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, gone, single
from tests.repositories import Repository


async def failed(agent: Agent, repository: Repository, files: dict[str, str]) -> DeploymentFailed:
    candidate = deployment(repository.commit(files), variables=bool(agent.secrets))
    wanted = environment(repository, "pr-1-bad", candidate=candidate)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        failure = await agent.reports.next(DeploymentFailed)
        assert await agent.runtime.list_containers({AGENT: agent.id}) == []
        await gone(agent, wanted.environment)
        assert all(one == failure for one in agent.reports.all(DeploymentFailed))
        assert any(phase.failed for phase in agent.reports.all(DeploymentPhase))
    return failure


@pytest.mark.parametrize("works", [True, False])
async def test_how_a_candidate_ended_is_told_until_whoever_desires_it_has_heard(
    agent: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    monkeypatch.setattr(actor, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(observing, "EVERY_SECONDS", 0.05)
    script = "httpd -f -p 8080 -h /www" if works else "exit 3"
    files = single(busybox, script, "    expose: 8080\n    restart: never\n")
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(files)))
    kind: type[Message] = DeploymentReady if works else DeploymentFailed
    async with agent.running() as environments:
        environments.wanted(wanted)
        first = await agent.reports.next(kind)
        assert await agent.reports.next(kind, agent.reports.events.index(first) + 1) == first
        live = wanted.candidate if works else None
        after = then(wanted, candidate=None, live=live)
        environments.wanted(after)
        await agent.reports.next(EnvironmentObserved, revision=after.revision)
        told = len(agent.reports.all(kind))
        seen = len(agent.reports.events)
        for _ in range(2):  # it goes on looking, and says nothing more of it
            report = await agent.reports.next(EnvironmentObserved, seen)
            seen = agent.reports.events.index(report, seen) + 1
        assert len(agent.reports.all(kind)) == told
        assert len(agent.builder.built) == 1


async def test_a_service_that_exits(agent: Agent, repository: Repository, busybox: str) -> None:
    files = single(busybox, "echo no database; exit 3", "    expose: 80\n    restart: never\n")
    failure = await failed(agent, repository, files)
    assert (failure.reason, failure.service) == ("service_exited", "web")
    assert failure.message == "web exited with code 3: no database"
    assert failure.log_tail == ["no database"]


async def test_a_secret_that_a_service_prints_is_in_no_line_and_no_message(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    more = "    expose: 80\n    restart: never\n    env: {T: '${TOKEN}'}\n"
    files = single(busybox, "echo Error: $T is refused; echo $T | base64; exit 3", more)
    agent.secrets = {"TOKEN": "hunter22"}
    failure = await failed(agent, repository, files)
    assert failure.message == "web exited with code 3: Error: ${TOKEN} is refused"
    said = [*agent.reports.lines, *failure.log_tail, failure.message]
    assert "web: Error: ${TOKEN} is refused" in said and "Error: ${TOKEN} is refused" in said
    assert not any("hunter22" in line or "aHVudGVyMj" in line for line in said)


async def test_a_secret_does_not_go_into_a_build(agent: Agent, repository: Repository, busybox: str) -> None:
    agent.secrets = {"TOKEN": "hunter22"}
    recipe = "version: 1\nservices:\n  web:\n    build: {path: ., args: {T: 'a ${TOKEN}'}}\n"
    failure = await failed(agent, repository, {"galley.yml": recipe, "Dockerfile": f"FROM {busybox}\n"})
    assert failure.reason == "bad_recipe"
    assert failure.message.startswith(
        "galley.yml: services.web.build.args.T: the secret TOKEN may not go into a build"
    )
    assert agent.builder.built == []


async def test_variables_that_do_not_come_fail_the_deployment_with_the_reason(
    agent: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(environment: str, deployment: str) -> Values:
        raise NoVariables("no variables: not yours")

    tools = replace(agent.tools(), variables=broken)
    monkeypatch.setattr(agent, "tools", lambda: tools)
    agent.secrets = {"TOKEN": "hunter22"}
    failure = await failed(agent, repository, single(busybox, "sleep 600"))
    assert failure.message == "no variables: not yours"


async def test_a_service_that_crashes_again_and_again(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    failure = await failed(agent, repository, single(busybox, "exit 4", "    expose: 80\n"))
    assert failure.reason == "service_exited" and "web exited with code 4, " in failure.message


DEEP = """services:
  web:
    build: .
    ports: ["8080"]
    volumes: [/srv/app/data]
"""


@pytest.mark.slow
async def test_one_that_the_engine_leaves_down_crashes_as_often_before_it_fails(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    """Its volume may lie elsewhere after each run, so every start is the agent's."""
    files = {"compose.yaml": DEEP, "Dockerfile": f"FROM {busybox}\nCMD exit 4\n"}
    failure = await failed(agent, repository, files)
    assert failure.reason == "service_exited" and "web exited with code 4, 6 times" in failure.message


async def test_one_that_the_engine_leaves_down_may_wait_by_crashing(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    command = "cat /srv/app/data/seen && exec httpd -f -p 8080 -h /www; echo x > /srv/app/data/seen; exit 4"
    files = {"compose.yaml": DEEP, "Dockerfile": f"FROM {busybox}\nCMD {command}\n"}
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        [web] = (await come_up(agent, environments, wanted)).services
        assert web.state == "running"


async def test_a_service_that_takes_too_much_memory(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    command = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    failure = await failed(
        agent, repository, single(busybox, command, "    expose: 80\n    restart: never\n")
    )
    assert failure.message == (
        "web was ended for using more than its 64 MB of memory. "
        "Give it more with resources: {memory: 1g} for services.web in galley.yml"
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "httpd -f -p 9090 -h /www",
            "port 9090, not on 8080. Set expose to 9090 for services.web in galley.yml",
        ),
        (
            "httpd -f -p 127.0.0.1:8080 -h /www",
            "127.0.0.1:8080 only: make it listen on 0.0.0.0",
        ),
        (
            "sleep 600",
            "no TCP port. If it needs longer to start, set health: {path: /, timeout: 180s} for services.web in galley.yml",
        ),
    ],
)
@pytest.mark.slow
async def test_a_service_that_listens_elsewhere(
    agent: Agent, repository: Repository, busybox: str, command: str, words: str
) -> None:
    more = "    expose: 8080\n    health: {path: /, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, command, more))
    assert failure.reason == "unhealthy"
    assert failure.message.startswith(f"web listens on {words}")
    assert failure.message.endswith("After 1 s, GET / on port 8080 got no answer (connection refused)")


@pytest.mark.slow
async def test_a_service_that_answers_wrongly(agent: Agent, repository: Repository, busybox: str) -> None:
    more = "    expose: 8080\n    health: {path: /healthz, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, "httpd -f -p 8080 -h /www", more))
    assert failure.message.startswith(
        "web runs, but GET /healthz on port 8080 answered 404, not 200 after 1 s. "
    )


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
        ("true", "127.0.0.1:8080", "127.0.0.1:8080 only"),
    ],
    ids=["the image says no", "nobody else gets through"],
)
@pytest.mark.slow
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
