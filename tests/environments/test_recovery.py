"""A live service whose container dies is started again at once, and is `restarting` until it is well."""

import asyncio

import pytest

from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import ContainerState, HealthCheck
from seatrial.wire.deployments import DeploymentReady, DesiredEnvironment, EnvironmentObserved
from seatrial.wire.states import ServiceKind
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import come_up, single
from tests.repositories import Repository
from tests.runtime.fake import BUSYBOX, FakeRuntime
from tests.waiting import LIMIT_SECONDS


async def live(agent: Agent, environments: object, wanted: DesiredEnvironment) -> DeploymentReady:
    ready = await come_up(agent, environments, wanted)  # type: ignore[arg-type]
    assert wanted.candidate is not None
    await agent.reports.next(EnvironmentObserved, deployment=wanted.candidate.id)
    return ready


async def observed(agent: Agent, service: str, *states: str) -> list[EnvironmentObserved]:
    """Reports in which `service` is in these states, in this order, after all that was told before."""
    seen, found = len(agent.reports.events), []
    async with asyncio.timeout(LIMIT_SECONDS):
        for wanted in states:
            while True:
                report = await agent.reports.next(EnvironmentObserved, seen)
                seen = agent.reports.events.index(report) + 1
                if {s.name: s.state for s in report.services}[service] == wanted:
                    found.append(report)
                    break
    return found


async def test_one_that_was_stopped_by_somebody_is_started_again_without_a_new_rollout(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = single(busybox, "httpd -f -p 8080 -h /www", "    expose: 8080\n")
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await live(agent, environments, wanted)
        [web] = ready.services
        assert web.endpoint

        async def no_repair(*_: object, **__: object) -> None:
            raise AssertionError("a rollout takes seconds")

        monkeypatch.setattr("seatrial.agent.environments.rollout.Rollout.bring_up", no_repair)
        box = runtime.boxes[web.container]
        waiting = asyncio.create_task(observed(agent, "web", "restarting", "running"))
        await asyncio.sleep(0)
        await box.stop()
        down, _ = await waiting
        assert runtime.boxes[web.container] is box, "it is the same container"
        assert box.state is ContainerState.RUNNING
        assert down.services[0].endpoint == web.endpoint, "the ingress waits for it there"


async def test_one_that_dies_soon_after_every_start_is_left_to_repairs(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    files = single(busybox, "httpd -f -p 8080 -h /www", "    expose: 8080\n")
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await live(agent, environments, wanted)
        box = runtime.boxes[ready.services[0].container]
        for _ in range(2):
            waiting = asyncio.create_task(observed(agent, "web", "running"))
            await asyncio.sleep(0)
            await box.stop()
            await waiting
        assert box.state is ContainerState.RUNNING


@pytest.mark.slow
async def test_one_that_began_again_and_does_not_get_well_is_unhealthy_until_it_does(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "cat /ready && exec httpd -f -p 8080 -h /www; exec sleep 600"
    more = "    expose: 8080\n    health: {path: /, timeout: 1s}\n"
    files = single(busybox, script, more)
    files["Dockerfile"] = files["Dockerfile"].replace("CMD", "COPY ready /ready\nCMD")
    files["ready"] = "yes"
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await live(agent, environments, wanted)
        box = runtime.boxes[ready.services[0].container]
        del box.files["/ready"]
        waiting = asyncio.create_task(observed(agent, "web", "restarting", "unhealthy"))
        await asyncio.sleep(0)
        await box.stop()
        await waiting
        waiting = asyncio.create_task(observed(agent, "web", "running"))
        await asyncio.sleep(0)
        box.listen(8080, "/www", loopback=False)
        await waiting


GATE = Service("gate", ServiceKind.WEB, image=BUSYBOX, ports=(8000,), command=("sleep", "600"))
APP = Service(
    "app",
    ServiceKind.WORKER,
    image=BUSYBOX,
    network_of="gate",
    command=("httpd", "-f", "-p", "8000", "-h", "/www"),
)


async def test_a_service_in_the_network_of_another_answers_there_and_follows_it(
    agent: Agent, repository: Repository, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("compose.yaml", {"app": APP, "gate": GATE})

    async def read(*_: object, **__: object) -> Recipe:
        return recipe

    monkeypatch.setattr("tests.agent.harness.read_recipe", read)
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit({"README": "x"})))
    async with agent.running() as environments:
        ready = await live(agent, environments, wanted)
        gate, app = sorted(ready.services, key=lambda service: service.name, reverse=True)
        assert await runtime.fetch(gate.endpoint) == "ok\n"
        before = runtime.boxes[app.container]
        waiting = asyncio.create_task(observed(agent, "gate", "restarting", "running"))
        await asyncio.sleep(0)
        await runtime.boxes[gate.container].stop()
        _, up = await waiting
        assert runtime.boxes[app.container] is not before, "its network was gone with the other's end"
        endpoint = next(service.endpoint for service in up.services if service.name == "gate")
        assert await runtime.fetch(endpoint) == "ok\n"


async def test_visitors_stay_at_their_port_when_another_answers_sooner_after_a_restart(
    agent: Agent, repository: Repository, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "cat /ready && httpd -p 8000 -h /www; exec httpd -f -p 9090 -h /www"
    check = HealthCheck(http_path="/", status=0, timeout_seconds=0.5)
    web = Service(
        "web", ServiceKind.WEB, image=BUSYBOX, ports=(8000, 9090), command=("sh", "-c", script), health=check
    )
    runtime.images[BUSYBOX].files["/ready"] = "yes"  # type: ignore[index]

    async def read(*_: object, **__: object) -> Recipe:
        return Recipe("compose.yaml", {"web": web})

    monkeypatch.setattr("tests.agent.harness.read_recipe", read)
    monkeypatch.setattr("seatrial.agent.environments.ports.PASS_OVER_SECONDS", 0.05)
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit({"README": "x"})))
    async with agent.running() as environments:
        ready = await live(agent, environments, wanted)
        [before] = ready.services
        assert before.endpoint and before.endpoint.endswith(":8000")
        box = runtime.boxes[before.container]
        del box.files["/ready"]
        waiting = asyncio.create_task(observed(agent, "web", "restarting", "unhealthy"))
        await asyncio.sleep(0)
        await box.stop()
        reports = await waiting
        assert {report.services[0].endpoint for report in reports} == {before.endpoint}
