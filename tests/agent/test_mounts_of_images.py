"""Mounts that an image, or what runs in a container, leads into the kernel's folders."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.mounts import may_move, refused_mount
from seatrial.agent.vocabulary.containers import ContainerSpec, Mount, RestartPolicy
from seatrial.agent.vocabulary.errors import StartError
from tests.agent.test_docker_runtime import name, network, spec
from tests.builds.conftest import docker
from tests.waiting import until

__all__ = ["name", "network", "spec"]
PLAIN: Mapping[str, str] = {"/var/run": "/run", "/srv": "/data"}


async def refused(links: Mapping[str, str], *targets: str) -> str | None:
    async def link(path: str) -> str | None:
        return links.get(path)

    return await refused_mount(targets, link)


async def test_folders_of_an_image_are_fine_through_links_too() -> None:
    assert await refused(PLAIN, "/data", "/var/run/app", "/srv/new/folder", "/deep/below/dev") is None


@pytest.mark.parametrize(
    ("links", "target", "told"),
    [
        ({}, "/dev", "a volume at /dev is in /dev, which belongs to the kernel"),
        ({}, "/srv/../proc/", "is in /proc"),
        ({"/data": "/dev"}, "/data", "a volume at /data, which is /dev in the image, is in /dev"),
        ({"/a": "/"}, "/a/dev/shm", "is in /dev"),
        ({"/a/b": "/sys"}, "/a/b/c", "is in /sys"),
        ({"/root": "/"}, "/root", "is the whole file system"),
        ({"/dev": "/data"}, "/data", "the image's /dev is a symbolic link to /data. Make it a folder"),
    ],
)
async def test_what_lies_in_a_folder_of_the_kernel_is_refused(
    links: Mapping[str, str], target: str, told: str
) -> None:
    assert told in (await refused({**PLAIN, **links}, target) or "")


async def test_without_mounts_nothing_is_asked() -> None:
    async def link(path: str) -> str | None:
        raise AssertionError(path)

    assert await refused_mount([], link) is None


@pytest.mark.parametrize(
    ("links", "target"),
    [({}, "/shared/x/data"), ({"/link": "/shared"}, "/link/x"), ({"/shared/x": "/"}, "/shared/x/srv")],
)
async def test_nothing_lies_in_a_volume_that_a_neighbour_may_fill_with_links(
    links: Mapping[str, str], target: str
) -> None:
    async def link(path: str) -> str | None:
        return links.get(path)

    told = f"a volume at {target} is inside the volume at /shared, which another container writes to"
    assert told in (await refused_mount(["/shared", target], link, ["/shared"]) or "")
    assert await refused_mount(["/shared", "/sharedtoo", "/srv"], link, ["/shared"]) is None


@pytest.mark.parametrize(
    ("target", "moves"), [("/data", False), ("/srv/data", True), ("/srv", True), ("//data/", False)]
)
async def test_what_cannot_be_replaced_while_it_is_mounted_does_not_move(target: str, moves: bool) -> None:
    async def link(path: str) -> str | None:
        return PLAIN.get(path)

    assert await may_move([target], link) is moves


@pytest.mark.docker
async def test_what_ran_cannot_lead_its_volume_to_dev_for_its_next_life(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    """The engine would start it again, and follows every link: it does not where a mount may have moved."""
    swap = "mv /srv /old && ln -s / /srv && touch /old/dev/marker"
    command = ["sh", "-c", f"[ -L /srv ] || {{ {swap}; }}; exit 3"]
    attacking = replace(
        spec, command=command, mounts=[Mount("", "/srv/dev")], restart=RestartPolicy.UNLESS_STOPPED
    )
    await runtime.start(attacking)

    async def over() -> bool:
        found = await runtime.get(attacking.name)
        return found is not None and found.state.over and found.stays_down

    await until(over)
    with pytest.raises(StartError, match=r"/srv/dev, which is /dev in the image, is in /dev"):
        await runtime.start(attacking)


@pytest.mark.docker
async def test_a_container_whose_volume_a_link_leads_to_dev_does_not_run(
    runtime: DockerRuntime, network: str, spec: ContainerSpec, labels: dict[str, str]
) -> None:
    image = f"{spec.name}-links:1"
    label = " ".join(f"{key}={value}" for key, value in labels.items())
    recipe = f"FROM {spec.image}\nLABEL {label}\nWORKDIR /made\nENV A=1\n"
    await docker("build", "-q", "-t", image, "-", stdin=recipe)
    container = f"{spec.name}-maker"
    await docker("run", "--name", container, image, "/bin/busybox", "ln", "-s", "/dev", "/made/data")
    await docker("commit", "-c", "VOLUME /made/data", container, image)
    await docker("rm", container)
    with pytest.raises(StartError, match=r"/made/data, which is /dev in the image, is in /dev"):
        await runtime.start(replace(spec, image=image))
    mounted = replace(spec, name=f"{spec.name}2", mounts=[Mount("", "/www"), Mount("", "/proc")])
    with pytest.raises(StartError, match="a volume at /proc is in /proc"):
        await runtime.start(mounted)
    fine = replace(spec, name=f"{spec.name}3", mounts=[Mount("", "/www")])
    assert (await runtime.start(fine)).state.up
    for made in (spec.name, mounted.name, fine.name):
        await runtime.remove(made)
    await docker("rmi", "-f", image)
