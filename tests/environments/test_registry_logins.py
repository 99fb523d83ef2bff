"""Pulls of a deployment may ask for its registry logins, and what they pulled stays with its containers when the login is gone."""

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.references import WITH_LOGIN
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins
from seatrial.wire.registries import RegistryLogin
from tests.agent.harness import Agent, HostImages, deployment, environment, then
from tests.agent.previews import come_up
from tests.environments.test_recovery import observed
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime

PULLED = f"{WITH_LOGIN}01l:{'a' * 64}"
COMPOSE = """
services:
  web:
    image: r.test/web:1
    command: httpd -f -p 8080 -h /www
    ports: ['8080']
  made:
    build: .
    command: sleep 1000
"""


class SignedIn:
    """`Images` of a registry that wants a login."""

    def __init__(self, runtime: FakeRuntime, busybox: str) -> None:
        runtime.images[PULLED] = runtime.images[busybox]
        self.pulled = 0

    async def ensure(self, image: str, log: Log, logins: ProjectLogins = NO_LOGINS) -> str:
        assert logins.known == {"r.test": "01L"} and not logins.forks
        assert (await logins.ask("r.test")).password == "hunter22"
        self.pulled += 1
        return PULLED


class NotesLogins(FakeBuild):
    """What it builds, it may pull with these."""

    logins = NO_LOGINS

    async def build(self, request: BuildRequest, log: Log) -> None:
        self.logins = request.logins
        await super().build(request, log)


async def test_they_are_asked_for_the_deployment_and_what_came_stays(
    agent: Agent, runtime: FakeRuntime, repository: Repository, busybox: str
) -> None:
    asked: list[tuple[str, str, str]] = []

    async def source(environment: str, deployment: str, registry: str) -> RegistryLogin:
        asked.append((environment, deployment, registry))
        return RegistryLogin(id="01L", registry=registry, username="robot", password="hunter22")

    agent.images, agent.registries, agent.builder = SignedIn(runtime, busybox), source, NotesLogins(runtime)
    commit = repository.commit({"compose.yml": COMPOSE, "Dockerfile": f"FROM {busybox}\n"})
    wanted = environment(
        repository,
        "pr-1-shop",
        candidate=deployment(commit).model_copy(update={"registries": {"r.test": "01L"}}),
    )
    assert wanted.candidate is not None
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
    assert asked == [(wanted.environment, wanted.candidate.id, "r.test")]
    assert isinstance(agent.builder, NotesLogins) and agent.builder.logins.known == {"r.test": "01L"}
    before = {one.name: one.started_at for one in await runtime.list_containers({})}
    # The login is gone, and the agent starts anew.
    agent.images = HostImages(runtime)
    live = wanted.candidate.model_copy(update={"registries": {}})
    async with agent.running() as environments:
        environments.wanted(then(wanted, live=live, candidate=None))
        environments.replayed({wanted.environment})
        await observed(agent, "web", "running")
    after = {one.name: one.started_at for one in await runtime.list_containers({})}
    assert before == after and len(asked) == 1
