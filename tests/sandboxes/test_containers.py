"""The containers that sandboxes are, on a real engine."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.engine import Engine
from seatrial.agent.engine.sealed import RIGHTS
from seatrial.agent.sandboxes import service
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.image import GivenImage, SandboxImage
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.session import GRACE_SECONDS
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.logs import quiet
from seatrial.control.policies import packs
from seatrial.wire.envelope import new_id
from seatrial.wire.states import Isolation, ResultState
from tests.credentials import NoCredentials
from tests.engines import require
from tests.repositories import Repository
from tests.sandboxes.conftest import Bench, NoJobs, Recorded, bench_of, policy
from tests.sandboxes.test_hostile import HOSTILE, TAMPERS, assert_good, good, hostile
from tests.waiting import LIMIT_SECONDS, until

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]
Make = Callable[..., ContainerSandboxes]


async def mine(engine: Engine, backend: ContainerSandboxes) -> list[Any]:
    label = f"galley.agent={backend._labels['galley.agent']}"
    return await engine._connection.api.containers.list(all=True, filters=json.dumps({"label": [label]}))


async def gone(engine: Engine, backend: ContainerSandboxes) -> bool:
    for _ in range(600):  # of a paused container, the engine itself waits ten seconds for its end
        if not await mine(engine, backend):
            return True
        await asyncio.sleep(0.1)
    return False


@pytest.fixture
async def without_gvisor(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's answer as it is where runsc is not registered."""
    info = engine._connection.api.system.info

    async def less() -> dict[str, Any]:
        return {**await info(), "Runtimes": {"runc": {}}}

    monkeypatch.setattr(engine._connection.api.system, "info", less)


async def test_a_sandbox_has_next_to_no_rights(engine: Engine, containers: Make) -> None:
    require("gvisor")
    backend = containers()
    assert await backend.prepare() == []
    pool = Pool(backend, size=0)
    async with pool.claim(2) as sandbox:
        [container] = await mine(engine, backend)
        shown = await container.show()
        host = shown["HostConfig"]
        assert shown["Name"] == "/" + sandbox.name and sandbox.name.startswith("gitgrit-sandbox-")
        assert shown["Config"]["Image"].startswith("gitgrit-sandbox:")
        assert host["Runtime"] == "runsc" and host["NetworkMode"] == "none" and host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"] and sorted(host["CapAdd"]) == [*RIGHTS, "SYS_ADMIN"]
        assert host["SecurityOpt"] == ["no-new-privileges"] and not host["Binds"] and shown["Mounts"] == []
        assert host["Memory"] == host["MemorySwap"] == 768 << 20 and host["PidsLimit"] and host["NanoCpus"]
        assert shown["Config"]["Labels"]["galley.managed"] == "true"
        assert "secret" not in json.dumps(shown["Config"]["Env"]).lower()
    assert await gone(engine, backend)


async def test_the_pool_keeps_sandboxes_warm_and_uses_each_once(engine: Engine, containers: Make) -> None:
    require("gvisor")
    backend = containers()
    await backend.prepare()
    pool = Pool(backend, size=1, children=3)
    async with pool.running():
        await until(lambda: pool.warm == 1)
        async with pool.claim() as first:
            assert pool.warm == 0 and len(first.idle) == 3
        await until(lambda: pool.warm == 1)
        async with pool.claim() as second:
            assert second.name != first.name
        await until(lambda: pool.warm == 1 and not pool._leaving)
        dead = pool._warm[0]
        await (await engine._connection.api.containers.get(dead.name)).kill()
        await until(lambda: not dead.alive)
        async with pool.claim(1) as third:
            assert third.alive
    assert await gone(engine, backend)


async def test_what_a_dead_agent_left_is_removed_and_nobody_elses(engine: Engine, containers: Make) -> None:
    require("gvisor")
    ours, theirs = containers(), containers()
    for backend in (ours, theirs):
        await backend.prepare()
        backend.left = await backend.start(1)
    assert len(await mine(engine, ours)) == len(await mine(engine, theirs)) == 1
    await ours.prepare()
    assert await gone(engine, ours) and len(await mine(engine, theirs)) == 1
    await theirs.left._pipe._attached.close()  # what the kernel does for an agent that is killed
    assert await gone(engine, theirs)
    for backend in (ours, theirs):
        await backend.left.destroy()


async def test_the_image_is_named_after_its_content_and_made_again_when_removed(
    engine: Engine, containers: Make
) -> None:
    require("gvisor")
    backend = containers()
    await backend.prepare()
    tag = backend._tag
    lines: list[str] = []

    async def log(line: str) -> None:
        lines.append(line)

    program = find_program()
    other = type(program)(program.root, {**program.files, "seatrial/sandbox/extra.py": new_id().encode()})
    image = SandboxImage(engine, backend._image._images, other)
    changed = await image.ensure(log)
    assert changed != tag and lines[-1].startswith(f"building {changed} from ")
    assert await image.ensure(log) == changed
    assert (await engine._connection.api.images.inspect(changed))["Config"]["Labels"][
        "galley.cache"
    ] == "true"
    backend._image, backend._tag = image, changed
    await engine._connection.api.images.delete(changed, force=True)
    async with Pool(backend, size=0).claim(1) as sandbox:
        assert sandbox.idle == [1]
    assert await gone(engine, backend)
    await engine._connection.api.images.delete(changed, force=True)


async def test_without_gvisor_isolation_is_weaker_and_says_so(
    engine: Engine, containers: Make, without_gvisor: None, repository: Repository, tmp_path: Path
) -> None:
    backend = containers()
    [warning] = await backend.prepare()
    assert "isolation is weaker" in warning and "runsc install" in warning
    repository.commit({"README.md": "# Ship\n"})
    bench = bench_of(Pool(backend, size=0), repository, tmp_path)
    policies = [hostile(name) for name in HOSTILE if name not in {"fills-the-disk", "asks-for-ever"}]
    finished = await bench.evaluations.evaluate(bench.command(*policies, policy(TAMPERS), good("good")))
    assert finished.isolation == Isolation.CONTAINER
    for one, result in zip(policies, finished.results[:-2], strict=True):
        assert (result.state, HOSTILE[one.slug][2] in result.message) == (HOSTILE[one.slug][1], True), result
    assert_good(finished.results[-1])
    tampering = finished.results[-2].details
    assert tampering["kill"] == ["PermissionError"] and "done" not in tampering["memory"] + tampering["pipes"]


async def test_gvisor_that_is_registered_later_is_noticed_and_used(
    engine: Engine, containers: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gvisor")
    monkeypatch.setattr(service, "LOOK_AGAIN_SECONDS", 0.2)
    info, registered = engine._connection.api.system.info, asyncio.Event()

    async def asked() -> dict[str, Any]:
        return await info() if registered.is_set() else {**await info(), "Runtimes": {"runc": {}}}

    monkeypatch.setattr(engine._connection.api.system, "info", asked)
    pool = Pool(containers(), size=1, children=1)
    memo = Memo(tmp_path / "memo", "p")
    evaluations = service.Evaluations(
        NoJobs(), Cache(tmp_path / "git"), NoCredentials(), Recorded(), pool, memo
    )
    running = asyncio.create_task(evaluations.run())
    await until(lambda: pool.warm == 1)
    assert evaluations.isolation is Isolation.CONTAINER and len(evaluations.warnings) == 1
    registered.set()
    await until(lambda: evaluations.isolation is Isolation.GVISOR)
    assert evaluations.warnings == []
    async with pool.claim(1) as sandbox:  # not the one that waited
        assert sandbox.isolation is Isolation.GVISOR
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_where_gvisor_is_required_nothing_runs_without(containers: Make, without_gvisor: None) -> None:
    with pytest.raises(SandboxError, match="GITGRIT_REQUIRE_GVISOR is set and gVisor"):
        await containers(require_gvisor=True).prepare()


class NoImages:
    """Where no base can be had: no registry, and somebody pruned."""

    async def ensure(self, name: str, log: Any) -> str:
        raise ImageUnavailable(f"{name} cannot be had")


async def test_an_unavailable_image_fails_the_start_and_not_the_refill(engine: Engine) -> None:
    program = find_program()
    other = type(program)(program.root, {**program.files, "seatrial/sandbox/never.py": b""})
    backend = ContainerSandboxes(engine, SandboxImage(engine, NoImages(), other), new_id())
    backend._tag = "gitgrit-sandbox:never-built"
    with pytest.raises(SandboxError, match="cannot be had"):
        await backend.start(1)


async def test_without_its_base_the_image_of_this_program_still_serves(
    engine: Engine, containers: Make
) -> None:
    require("gvisor")
    backend = containers()
    await backend.prepare()
    lines: list[str] = []

    async def log(line: str) -> None:
        lines.append(line)

    alone = SandboxImage(engine, NoImages(), find_program())
    tag = await alone.ensure(log)
    assert tag.startswith("gitgrit-sandbox:") and lines == [
        f"python:3.13-slim is not available; {tag} was built from an earlier one"
    ]


async def test_a_given_image_must_be_here_and_of_this_release(engine: Engine, containers: Make) -> None:
    require("gvisor")
    backend = containers()
    await backend.prepare()
    program = find_program()
    assert await GivenImage(engine, program, backend._tag).ensure(quiet) == backend._tag
    other = type(program)(program.root, {**program.files, "seatrial/sandbox/later.py": b""})
    with pytest.raises(SandboxError, match=f"{backend._tag}, which belongs to another release"):
        await GivenImage(engine, other, backend._tag).ensure(quiet)
    with pytest.raises(
        SandboxError, match=r"gitgrit-sandbox:nowhere, which is not on this host.*docker load"
    ):
        await GivenImage(engine, program, "gitgrit-sandbox:nowhere").ensure(quiet)


async def test_a_start_that_is_cancelled_leaves_nothing(
    engine: Engine, containers: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("gvisor")
    backend = containers()
    await backend.prepare()
    create, asked = engine._connection.api.containers.create, asyncio.Event()

    async def announced(*arguments: Any, **options: Any) -> Any:
        asyncio.get_running_loop().call_later(0.01, asked.set)  # when the engine has been asked
        return await create(*arguments, **options)

    monkeypatch.setattr(engine._connection.api.containers, "create", announced)
    starting = asyncio.create_task(backend.start(1))
    await asked.wait()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    assert starting.cancelled()
    await asyncio.sleep(1)  # for an engine that was asked and goes on by itself
    assert await gone(engine, backend)


async def test_a_sandbox_that_does_not_obey_is_ended_from_outside(
    gvisor: Bench, engine: Engine, begun: asyncio.Event
) -> None:
    """Its policy runs and says so; from then on neither it nor the warden gets any time."""
    code = "import time\ndef evaluate(project): project.get_topics(); time.sleep(60)"
    running = asyncio.create_task(gvisor.run(policy(code, timeout_seconds=10.0)))
    async with asyncio.timeout(LIMIT_SECONDS):
        await begun.wait()
    backend = gvisor.pool.backend
    assert isinstance(backend, ContainerSandboxes)
    [container] = await mine(engine, backend)
    await container.pause()
    async with asyncio.timeout(10 + GRACE_SECONDS + LIMIT_SECONDS):
        [result] = await running
    assert result.state == ResultState.TIMED_OUT
    assert await gone(engine, backend)


async def test_policies_may_call_the_project_what_they_like_and_find_nothing_in_an_empty_commit(
    gvisor: Bench,
) -> None:
    """As policies are written that were made for GitGrit; beside them the starter pack's."""
    gvisor.repository.git("rm", "-rq", ".")
    gvisor.repository.git("commit", "-qm", "nothing")
    said = "return {'passed': True, 'score': 100, 'message': 'ok', 'details': {}}"
    codes = [
        f"def evaluate(repo):\n    assert repo.list_files() == []\n    {said}",
        f"def evaluate(p, log):\n    log('seen')\n    {said}",
        f"def evaluate(project, /):\n    {said}",
    ]
    starter = [policy(one.code, slug=one.slug, params=one.params) for one in packs.read(packs.STARTER)]
    results = await gvisor.run(*map(policy, codes), *starter)
    assert [(one.state, one.message) for one in results[:3]] == [(ResultState.PASSED, "ok")] * 3
    assert [one.message for one in results[1].logs] == ["seen"]
    assert {one.state for one in results[3:]} == {ResultState.PASSED, ResultState.FAILED}, results
