"""A base image that was replaced is a warning of the deployment, and named where it may be why."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.vocabulary.labels import STAND_INS, WARNINGS
from seatrial.agent.vocabulary.logs import Log
from seatrial.wire.deployments import DeploymentFailed
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import come_up, single
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime

PYTHON = "seatrial/stand-in-python:bookworm"
TOLD = "python:3.12 could not be pulled: a stand-in takes its place, with Python 3.11.2 from Debian packages"


class StoodIn:
    """`Images` of a host whose registries are silent."""

    def __init__(self, runtime: FakeRuntime, busybox: str) -> None:
        runtime.images[PYTHON] = replace(runtime.images[busybox], labels={"galley.version": "3.11.2"})

    async def ensure(self, image: str, log: Log, logins: object = None) -> str:
        return PYTHON


class OnStandIns(FakeBuild):
    """What it builds says what it was built from."""

    told: Mapping[str, str] = {STAND_INS: TOLD, WARNINGS: "/data is not kept"}

    async def build(self, request: BuildRequest, log: Log) -> None:
        await super().build(replace(request, labels={**request.labels, **self.told}), log)


@pytest.fixture
def built(agent: Agent, runtime: FakeRuntime) -> Agent:
    agent.builder = OnStandIns(runtime)
    return agent


async def test_of_an_image(agent: Agent, runtime: FakeRuntime, repository: Repository, busybox: str) -> None:
    agent.images = StoodIn(runtime, busybox)
    compose = "services:\n  web:\n    image: python:3.12\n    command: httpd -f -p 8080 -h /www\n    ports: ['8080']\n"
    files = {"compose.yml": compose}
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
    assert ready.warnings == [f"compose.yml: services.web: {TOLD}"]
    await agent.reports.line(TOLD)


async def test_of_a_build_also_when_it_is_not_built_again(
    built: Agent, repository: Repository, busybox: str
) -> None:
    files = {"Dockerfile": f"FROM {busybox}\nEXPOSE 8080\nCMD httpd -f -p 8080 -h /www\n"}
    for name in ("pr-1-shop", "pr-1-shop"):
        wanted = environment(repository, name, candidate=deployment(repository.commit(files)))
        async with built.running() as environments:
            ready = await come_up(built, environments, wanted)
        assert [warning for warning in ready.warnings if TOLD in warning] == [
            f"Dockerfile: services.web: {TOLD}"
        ]
        built.reports.events.clear()


@pytest.mark.slow
async def test_a_health_command_that_the_stand_in_lacks(
    built: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seatrial.agent.vocabulary.containers.LEAST_HEALTH_SECONDS", 1.0)
    check = "HEALTHCHECK --interval=200ms --timeout=500ms --retries=1 CMD curl -fsS http://localhost:8080/ || exit 1"
    files = {"Dockerfile": f"FROM {busybox}\nEXPOSE 8080\n{check}\nCMD httpd -f -p 8080 -h /www\n"}
    failure = await failed(built, repository, files)
    assert "curl: not found" in failure.message
    assert f"{TOLD}. It may lack programs" in failure.message


async def test_another_warning_is_not_why_a_program_is_missing(
    built: Agent, repository: Repository, busybox: str
) -> None:
    assert isinstance(built.builder, OnStandIns)
    said = 'Dockerfile:2: VOLUME "a stand-in takes its place": what is written there is lost'
    built.builder.told = {WARNINGS: said}
    files = {"Dockerfile": f"FROM {busybox}\nEXPOSE 8080\nCMD echo x: not found; exit 127\n"}
    failure = await failed(built, repository, files)
    assert "x: not found" in failure.message
    assert said not in failure.message, "its words do not make it one of a stand-in"


async def test_a_program_that_is_there_and_fails_is_not_the_stand_ins_fault(
    built: Agent, repository: Repository, busybox: str
) -> None:
    files = {"Dockerfile": f"FROM {busybox}\nEXPOSE 8080\nCMD exit 3\n"}
    assert TOLD not in (await failed(built, repository, files)).message


@pytest.mark.slow
async def test_a_path_in_our_own_sentence_does_not_mean_that_a_program_is_missing(
    built: Agent, repository: Repository, busybox: str
) -> None:
    more = "    expose: 8080\n    health: {path: /no such file, status: 201, timeout: 1s}\n"
    files = single(busybox, "httpd -f -p 8080 -h /www", more)
    failure = await failed(built, repository, files)
    assert "GET /no such file on port 8080 answered" in failure.message
    assert TOLD not in failure.message


async def failed(agent: Agent, repository: Repository, files: dict[str, str]) -> DeploymentFailed:
    wanted = environment(repository, "pr-1-bad", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        return await agent.reports.next(DeploymentFailed)
