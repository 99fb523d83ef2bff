"""The data of an environment: `migrate` at each deployment, `seed` once, whatever ends meanwhile."""

import asyncio
import random
from pathlib import Path

import pytest

from seatrial.agent.environments import data
from seatrial.agent.vocabulary.labels import AGENT, ENVIRONMENT
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    DesiredDeployment,
    DesiredEnvironment,
    EnvironmentObserved,
)
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, gone
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime

SEED = "cat /data/schema && echo row >> /data/rows"
MIGRATE = "wget -q -O /tmp/db http://db:5432/ && echo $STEP >> /data/schema"
COMPOSE = """services:
  web:
    build: .
    environment: {STEP: step}
    volumes: ["files:/data"]
    ports: ["80:80"]
    x-galley-migrate: MIGRATE
    x-galley-seed: ["sh", "-c", "SEED"]
  db:
    image: BUSYBOX
    x-galley-kind: database
    expose: ["5432"]
    command: httpd -f -p 5432 -h /www
volumes: {files: {}}
"""


def files(busybox: str, seed: str = SEED, migrate: str = MIGRATE, page: str = "ok") -> dict[str, str]:
    """A service with files and a database, which it does not say that it needs."""
    recipe = COMPOSE.replace("SEED", seed).replace("MIGRATE", migrate).replace("BUSYBOX", busybox)
    dockerfile = f"FROM {busybox}\nCOPY index.html /www/index.html\nCMD httpd -f -p 80 -h /www\n"
    return {"compose.yaml": recipe, "Dockerfile": dockerfile, "index.html": page}


def written(runtime: FakeRuntime, path: str) -> str:
    """A file of the volume."""
    found = [volume.files for name, volume in runtime.volumes.items() if name.endswith("-files")]
    return found[0].get(path, "") if found else ""


def phases(agent: Agent, of: DesiredDeployment) -> list[str]:
    told = [p for p in agent.reports.all(DeploymentPhase) if p.deployment == of.id and p.seconds is None]
    return [phase.phase for phase in told if phase.phase.startswith(("migrate", "seed"))]


async def test_migrate_runs_at_each_deployment_and_seed_once(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        assert phases(agent, first) == ["migrate web", "seed web"]
        assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\n", "row\n")
        await agent.reports.line("web.seed: step")

        second = deployment(repository.commit(files(busybox, page="new")))
        wanted = then(wanted, revision=5, live=first, candidate=second)
        await come_up(agent, environments, wanted)
        assert phases(agent, second) == ["migrate web"]
        assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\nstep\n", "row\n")
        environments.unwanted(wanted.environment)
        await gone(agent, wanted.environment)


async def test_a_migrate_that_fails_leaves_what_is_live_alone(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        before = {c.name: c.started_at for c in await runtime.list_containers({AGENT: agent.id})}
        second = deployment(repository.commit(files(busybox, migrate="echo no such table users; exit 3")))
        environments.wanted(then(wanted, revision=5, live=first, candidate=second))
        failure = await agent.reports.next(DeploymentFailed, deployment=second.id)
        assert (failure.reason, failure.service) == ("migrate_failed", "web")
        assert failure.message == "migrate of web ended with code 3: no such table users"
        assert failure.log_tail == ["no such table users"]
        after = {c.name: c.started_at for c in await runtime.list_containers({AGENT: agent.id})}
        assert after == before
        web = next(service for service in ready.services if service.name == "web")
        assert await runtime.fetch(web.endpoint) == "ok"


async def test_a_seed_that_failed_begins_anew_with_emptied_data(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox, seed="echo half >> /data/rows; exit 4")))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        failure = await agent.reports.next(DeploymentFailed, deployment=first.id)
        assert (failure.reason, failure.message) == ("seed_failed", "seed of web ended with code 4")
        assert written(runtime, "/rows") == "half\n"
        second = deployment(repository.commit(files(busybox)))
        await come_up(agent, environments, then(wanted, candidate=second))
        assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\n", "row\n")
        await agent.reports.line("_system: The seed of web did not end, so the data is emptied first.")


async def test_what_a_live_deployment_uses_is_not_emptied_for_a_seed(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    plain = {**files(busybox), "compose.yaml": files(busybox)["compose.yaml"].replace("x-galley-seed", "x-s")}
    first = deployment(repository.commit(plain))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        second = deployment(repository.commit(files(busybox, seed="echo half >> /data/rows; exit 4")))
        environments.wanted(wanted := then(wanted, revision=5, live=first, candidate=second))
        await agent.reports.next(DeploymentFailed, deployment=second.id)
        third = deployment(repository.commit(files(busybox)))
        ready = await come_up(agent, environments, then(wanted, candidate=third))
        assert written(runtime, "/rows") == "half\nrow\n"
        assert any("had left. Reset the data to begin anew" in warning for warning in ready.warnings)


async def test_a_command_has_its_time(
    agent: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "LONGEST_SECONDS", 0.01)
    candidate = deployment(repository.commit(files(busybox, migrate="sleep 600")))
    async with agent.running() as environments:
        environments.wanted(environment(repository, "pr-1-data", candidate=candidate))
        failure = await agent.reports.next(DeploymentFailed)
        assert failure.message == "migrate of web has not ended after 0.01 s"


async def test_a_repair_runs_no_commands(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
    for container in await runtime.list_containers({AGENT: agent.id}):
        await runtime.remove(container.name)
    again = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with again.running() as environments:
        environments.wanted(then(wanted, live=first, candidate=None))
        environments.replayed({wanted.environment})
        await again.reports.next(EnvironmentObserved, deployment=first.id)
        assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\n", "row\n")


class Mortal(FakeRuntime):
    """Tells when it has been asked a number of times, for whoever kills the agent then."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10**9
        self.over = asyncio.Event()

    async def _asked(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.over.set()
        await super()._asked()


async def killed_now_and_then(
    agent: Agent, runtime: Mortal, wanted: DesiredEnvironment, chance: random.Random, *snapshots: str
) -> None:
    """Agents that are killed after ever more questions to the engine, until one is ready."""
    assert wanted.candidate is not None
    for most in (40, 60, 80, 100, 130, 10**9):
        runtime.left, runtime.over = chance.randint(5, most), asyncio.Event()
        if most == 10**9:
            runtime.left = most
        builder, copy_image = FakeBuild(runtime), agent.copy_image
        one = Agent(agent.id, agent.directory, runtime, builder=builder, copy_image=copy_image)
        async with one.running() as environments:
            environments.wanted(wanted)
            for snapshot in snapshots:
                environments.kept(snapshot)
            environments.replayed({wanted.environment, *snapshots})
            ready = asyncio.create_task(one.reports.next(DeploymentReady, deployment=wanted.candidate.id))
            death = asyncio.create_task(runtime.over.wait())
            done, rest = await asyncio.wait({ready, death}, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        if ready in done:
            return


@pytest.mark.parametrize("number", range(2))
async def test_an_agent_that_is_killed_at_any_moment_seeds_once_and_resets_once(
    agent_id: str, tmp_path: Path, repository: Repository, busybox: str, chance: random.Random, number: int
) -> None:
    chance.seed(f"{chance.random()} {number}")
    runtime = Mortal()
    agent = Agent(agent_id, tmp_path / "agent", runtime, builder=FakeBuild(runtime))
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox))))
    assert wanted.candidate is not None
    await killed_now_and_then(agent, runtime, wanted, chance)
    assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\n", "row\n")

    for volume in runtime.volumes.values():
        volume.files |= {"/rows": "what a visitor wrote\n"} if "/rows" in volume.files else {}
    reset = then(wanted, revision=9, candidate=deployment(wanted.candidate.commit), data=2)
    await killed_now_and_then(agent, runtime, reset, chance)
    assert (written(runtime, "/schema"), written(runtime, "/rows")) == ("step\n", "row\n")
    await runtime.close()


async def test_a_reset_empties_everything_and_seeds_again(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    other = environment(repository, "pr-2-data", candidate=deployment(first.commit))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        await come_up(agent, environments, other, wanted.environment)
        before = {c.name for c in await runtime.list_containers({ENVIRONMENT: other.environment})}
        for volume in runtime.volumes.values():
            if "/rows" in volume.files:
                volume.files["/rows"] = "what a visitor wrote\n"
        second = deployment(first.commit)
        await come_up(
            agent, environments, then(wanted, revision=5, candidate=second, data=1), other.environment
        )
        assert phases(agent, second) == ["migrate web", "seed web"]
        rows = {
            volume.labels[ENVIRONMENT]: volume.files["/rows"]
            for volume in runtime.volumes.values()
            if "/rows" in volume.files
        }
        assert rows == {wanted.environment: "row\n", other.environment: "what a visitor wrote\n"}
        assert {c.name for c in await runtime.list_containers({ENVIRONMENT: other.environment})} == before
        environments.unwanted(wanted.environment)
        await gone(agent, wanted.environment)
