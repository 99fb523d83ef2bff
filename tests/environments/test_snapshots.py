"""Snapshots of the data of environments: saved from what is live, cloned by what is new."""

import asyncio
import errno
import os
import random
from pathlib import Path

import pytest
from ulid import ULID

from seatrial.agent.environments import actor
from seatrial.agent.environments.duplicate import main
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.labels import AGENT, ENVIRONMENT, SNAPSHOT
from seatrial.wire.deployments import EnvironmentRemoved
from seatrial.wire.snapshots import SnapshotSaved
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up
from tests.environments.test_data import Mortal, files, killed_now_and_then, phases
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import BUSYBOX, FakeRuntime


async def copy_image() -> str:
    return BUSYBOX


@pytest.fixture
def agent(agent: Agent) -> Agent:
    agent.copy_image = copy_image
    return agent


def rows(runtime: FakeRuntime, of: str) -> list[str]:
    """What the volumes of an environment, or of a snapshot, hold."""
    volumes = [volume for volume in runtime.volumes.values() if volume.labels.get(ENVIRONMENT) == of]
    return [volume.files["/rows"] for volume in volumes if "/rows" in volume.files]


def rewrite(runtime: FakeRuntime, of: str, text: str) -> None:
    for volume in runtime.volumes.values():
        if volume.labels.get(ENVIRONMENT) == of and "/rows" in volume.files:
            volume.files["/rows"] = text


async def test_a_new_environment_begins_as_a_copy_and_is_not_seeded(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    commit, snapshot = repository.commit(files(busybox)), str(ULID())
    source = environment(repository, "pr-1-data", candidate=deployment(commit))
    async with agent.running() as environments:
        environments.kept(snapshot)
        await come_up(agent, environments, source, snapshot)
        rewrite(runtime, source.environment, "from a person\n")
        environments.wanted(then(source, revision=5, live=source.candidate, candidate=None, save=snapshot))
        saved = await agent.reports.next(SnapshotSaved, snapshot=snapshot)
        assert (saved.problem, saved.reflinked) == ("", False)
        assert rows(runtime, snapshot) == ["from a person\n"]
        assert {box.state for box in runtime.boxes.values() if "--" not in box.spec.name} == {
            ContainerState.RUNNING
        }, "they go on after the save"

        environments.unwanted(source.environment)
        await agent.reports.next(EnvironmentRemoved, environment=source.environment)
        clone = environment(repository, "pr-2-data", candidate=deployment(commit), template=snapshot)
        ready = await come_up(agent, environments, clone, snapshot)
        assert rows(runtime, clone.environment) == ["from a person\n"]
        assert clone.candidate is not None and phases(agent, clone.candidate) == ["migrate web"]
        assert any("began as a copy" in note for note in ready.notes)

        rewrite(runtime, clone.environment, "of its own\n")
        assert rows(runtime, snapshot) == ["from a person\n"]
        push = deployment(repository.commit(files(busybox, page="new")))
        clone = then(clone, revision=5, live=clone.candidate, candidate=push)
        await come_up(agent, environments, clone, snapshot)
        assert rows(runtime, clone.environment) == ["of its own\n"], "what has data is not cloned again"

        reset = deployment(push.commit)
        await come_up(
            agent, environments, then(clone, revision=9, live=None, candidate=reset, data=1), snapshot
        )
        assert rows(runtime, clone.environment) == ["from a person\n"]
        environments.unwanted(clone.environment)
        environments.unwanted(snapshot)
        await agent.reports.next(EnvironmentRemoved, environment=snapshot)
        await agent.reports.next(EnvironmentRemoved, environment=clone.environment)
        assert await runtime.list_volumes({AGENT: agent.id}) == {}


async def test_without_the_snapshot_on_its_host_it_is_seeded_and_says_so(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(
        repository,
        "pr-1-data",
        candidate=deployment(repository.commit(files(busybox))),
        template=str(ULID()),
    )
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        assert rows(runtime, wanted.environment) == ["row\n"]
        assert any("snapshot of data is not on this agent" in warning for warning in ready.warnings)


async def test_what_cannot_be_saved_says_why_once_and_leaves_nothing(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor, "REPORT_SECONDS", 0.05)
    agent.copy_image, snapshot = None, str(ULID())
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox))))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        environments.wanted(then(wanted, revision=5, live=wanted.candidate, candidate=None, save=snapshot))
        saved = await agent.reports.next(SnapshotSaved, snapshot=snapshot)
        assert "has no container engine" in saved.problem
        seen = agent.reports.events.index(saved) + 1
        again = await agent.reports.next(SnapshotSaved, seen, snapshot=snapshot)
        assert again == saved, "told until it is heard"
        assert await runtime.list_volumes({SNAPSHOT: snapshot}) == {}


async def test_an_agent_that_is_killed_at_any_moment_of_a_save_and_of_a_clone(
    agent_id: str, tmp_path: Path, repository: Repository, busybox: str, chance: random.Random
) -> None:
    runtime, snapshot = Mortal(), str(ULID())
    agent = Agent(agent_id, tmp_path / "agent", runtime, builder=FakeBuild(runtime), copy_image=copy_image)
    commit = repository.commit(files(busybox))
    source = environment(repository, "pr-1-data", candidate=deployment(commit))
    async with agent.running() as environments:
        await come_up(agent, environments, source)
    saving = then(source, revision=5, live=source.candidate, candidate=None, save=snapshot)
    for most in (30, 40, 50, 60, 10**9):
        runtime.left, runtime.over = chance.randint(5, most) if most < 10**9 else most, asyncio.Event()
        one = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime), copy_image=copy_image)
        async with one.running() as environments:
            environments.kept(snapshot)
            environments.wanted(saving)
            environments.replayed({source.environment, snapshot})
            saved = asyncio.create_task(one.reports.next(SnapshotSaved))
            death = asyncio.create_task(runtime.over.wait())
            done, rest = await asyncio.wait({saved, death}, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
        if saved in done:
            break
    assert rows(runtime, snapshot) == ["row\n"]
    rewrite(runtime, snapshot, "from a person\n")
    clone = environment(repository, "pr-2-data", candidate=deployment(commit), template=snapshot)
    await killed_now_and_then(agent, runtime, clone, chance, snapshot)
    assert rows(runtime, clone.environment) == ["from a person\n"]
    assert not [name for name in runtime.boxes if "copy" in name], "no container of a copy is left"
    await runtime.close()


def test_a_copy_of_a_tree_keeps_what_programs_rely_on(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    (source / "deep").mkdir(parents=True)
    target.mkdir()
    (source / "deep/file").write_text("text")
    (source / "deep/file").chmod(0o640)
    os.link(source / "deep/file", source / "second")
    (source / "away").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    with (source / "sparse").open("wb") as file:
        file.seek(1 << 26)
        file.write(b"end")
    os.utime(source / "deep", (1, 1))
    assert main(str(source), str(target)) == "copied" or not can_only_copy(tmp_path)
    assert (target / "deep/file").read_text() == "text" and (
        target / "deep/file"
    ).stat().st_mode & 0o777 == 0o640
    assert (target / "second").stat().st_ino == (target / "deep/file").stat().st_ino
    assert str((target / "away").readlink()) == "/etc/passwd" and (target / "pipe").is_fifo()
    assert (target / "sparse").stat().st_size == (1 << 26) + 3
    assert (target / "sparse").stat().st_blocks < 1000, "holes stay holes"
    assert (target / "deep").stat().st_mtime == 1
    with pytest.raises(OSError) as again:  # a target is never written over
        main(str(source), str(target))
    assert again.value.errno == errno.EEXIST


def can_only_copy(folder: Path) -> bool:
    """Whether its file system cannot share bytes between files."""
    (folder / "a").write_text("a" * 5000)
    (folder / "ones").mkdir()
    (folder / "twos").mkdir()
    (folder / "a").rename(folder / "ones/a")
    return main(str(folder / "ones"), str(folder / "twos")) == "copied"
