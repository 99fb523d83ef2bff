"""A purge removes everything with this agent's label, and nothing else."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiodocker
import pytest

from seatrial.embedded.errors import CannotRun
from seatrial.embedded.labelled import Labelled
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.purge import agent_id, purge_engine, remove_tree
from seatrial.embedded.remembered import Remembered
from seatrial.wire.envelope import new_id
from tests.engines import require

pytestmark = pytest.mark.docker


@pytest.fixture
async def docker() -> AsyncIterator[aiodocker.Docker]:
    require("docker")
    async with aiodocker.Docker() as docker:
        yield docker


BUSYBOX = "/bin/busybox"  # the distribution's static build


def platform(agent: str, runtime: str = "docker", engine: str = "unix:///var/run/docker.sock") -> Remembered:
    return Remembered(
        port=1, ingress_port=2, nats_port=3, traefik_port=4, runtime=runtime, agent=agent, engine=engine
    )


async def make(docker: aiodocker.Docker, agent: str, *, cache: bool = False) -> None:
    """A container, a network, a volume and an image of this agent."""
    labels = {"galley.managed": "true", "galley.agent": agent, **({"galley.cache": "true"} if cache else {})}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"of-{agent}"))
        tar.add(BUSYBOX, "busybox")
    change = "LABEL " + " ".join(f'{name}="{value}"' for name, value in labels.items())
    params = {"fromSrc": "-", "repo": f"seatrial-test-{agent.lower()}", "tag": "1", "changes": change}
    archive.seek(0)
    async with docker._query("images/create", method="POST", params=params, data=archive) as answer:
        await answer.read()
    if cache:
        return
    config = {
        "Image": f"seatrial-test-{agent.lower()}:1",
        "Cmd": ["/busybox", "sleep", "600"],
        "Labels": labels,
    }
    await docker.containers.create(config, name=f"seatrial-test-{agent}")
    await docker.networks.create({"Name": f"seatrial-test-{agent}", "Labels": labels})
    await docker.volumes.create({"Name": f"seatrial-test-{agent}", "Labels": labels})


async def count(docker: aiodocker.Docker, agent: str) -> dict[str, int]:
    query = {"filters": json.dumps({"label": [f"galley.agent={agent}"]})}
    containers = await docker._query_json("containers/json", params={**query, "all": "1"})
    networks = await docker._query_json("networks", params=query)
    volumes = await docker._query_json("volumes", params=query)
    images = await docker._query_json("images/json", params=query)
    counts = {
        "containers": len(containers),
        "networks": len(networks),
        "volumes": len(volumes["Volumes"] or []),
        "images": len(images),
    }
    return {kind: number for kind, number in counts.items() if number}


async def test_everything_of_this_agent_goes_and_another_agents_stays(
    data: DataDirectory, docker: aiodocker.Docker
) -> None:
    mine, other = new_id(), new_id()
    await make(docker, mine)
    await make(docker, other)
    try:
        await purge_engine(data, platform(mine), {})
        assert await count(docker, mine) == {}
        assert await count(docker, other) == {"containers": 1, "networks": 1, "volumes": 1, "images": 1}
        await purge_engine(data, platform(mine), {})  # once more is the same
    finally:
        await purge_engine(data, platform(other), {})


async def test_caches_stay(data: DataDirectory, docker: aiodocker.Docker) -> None:
    agent = new_id()
    await make(docker, agent, cache=True)
    try:
        await purge_engine(data, platform(agent), {})
        assert await count(docker, agent) == {"images": 1}
    finally:
        await docker.images.delete(f"seatrial-test-{agent.lower()}:1", force=True)


async def test_an_engine_that_is_away_keeps_the_data_for_another_try(data: DataDirectory) -> None:
    with pytest.raises(CannotRun) as problem:
        await purge_engine(data, platform(new_id(), engine="unix:///nonexistent.sock"), {})
    assert "again: " in problem.value.fix and "seatrial down --purge" in problem.value.fix


async def test_objects_that_a_purge_cannot_remove_are_named_and_the_rest_goes(
    data: DataDirectory, docker: aiodocker.Docker
) -> None:
    mine, other = new_id(), new_id()
    await make(docker, mine)
    await make(docker, other)
    network = await docker.networks.get(f"seatrial-test-{mine}")
    await network.connect({"Container": f"seatrial-test-{other}"})
    await docker.containers.container(f"seatrial-test-{other}").start()
    try:
        with pytest.raises(CannotRun) as problem:
            await Labelled(docker, mine).remove(patience_seconds=5)
        assert f"network seatrial-test-{mine}" in str(problem.value)
        assert "active endpoints" in str(problem.value)
        assert await count(docker, mine) == {"networks": 1}
    finally:
        await purge_engine(data, platform(other), {})
        await purge_engine(data, platform(mine), {})
    assert await count(docker, mine) == {}


async def test_what_once_ran_on_the_engine_goes_also_from_a_platform_of_processes(
    data: DataDirectory, docker: aiodocker.Docker
) -> None:
    agent = new_id()
    await make(docker, agent)
    elsewhere = {"DOCKER_HOST": "unix:///nonexistent.sock"}
    await purge_engine(data, platform(agent, "process"), elsewhere)
    assert await count(docker, agent) == {}


async def test_a_platform_that_never_had_an_engine_needs_none(data: DataDirectory) -> None:
    elsewhere = {"DOCKER_HOST": "unix:///nonexistent.sock"}
    await purge_engine(data, platform(new_id(), "process", engine=""), elsewhere)


async def test_a_platform_without_an_agent_needs_no_engine(data: DataDirectory) -> None:
    await purge_engine(data, platform(""), {"DOCKER_HOST": "unix:///nonexistent.sock"})


def test_the_agents_id_is_read_from_its_credential(data: DataDirectory) -> None:
    assert agent_id(data, None) == ""
    (data.agent / "identity").mkdir()
    (data.agent / "identity" / "credential.json").write_text('{"agent": "01J"}')
    assert agent_id(data, platform("")) == "01J"


def test_only_our_own_files_are_removed(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "home")
    data.create()
    (data.root / "thesis.txt").write_text("years of work")
    remove_tree(data)
    assert [path.name for path in data.root.iterdir()] == ["thesis.txt"]
    (data.root / "thesis.txt").unlink()
    remove_tree(data)
    assert not data.root.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_a_killed_build_left_mounted_is_taken_away_first(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "my data")
    data.create()
    point = data.agent / "merged layers"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(point)], check=True)
    try:
        remove_tree(data)
        assert not data.root.exists()
    finally:
        subprocess.run(["umount", "-l", str(point)], capture_output=True, check=False)
