"""Builds and pulls where the kernel makes no user namespace: refused, or done with the walls that the operator chose."""

import contextlib
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.builds import cell, isolation
from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.isolation import lacking, none_allowed, refused
from seatrial.agent.builds.registries import pull
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.addresses import Address
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.errors import AgentError, BuilderFailed, ImageUnavailable
from tests.builds.conftest import LABEL, Lines, built_with, docker, own_address
from tests.builds.containers import run
from tests.builds.registry import Registry, served
from tests.builds.test_pulls import certified, forgotten
from tests.engines import missing

Make = Callable[..., BuildRequest]
FILTER = Path(__file__).with_name("unshared.py")


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is run in a cell meets a kernel that makes none."""
    if os.geteuid() != 0:
        missing("only root builds without a user namespace")
    enter = Cell.enter

    def entered(one: Cell, *arguments: Any, **options: Any) -> list[str]:
        return [sys.executable, str(FILTER), *enter(one, *arguments, **options)]

    monkeypatch.setattr(Cell, "enter", entered)
    yield


@pytest.mark.docker
async def test_a_build_without_a_user_namespace_makes_none(
    engine: Engine, cache: Path, request_for: Make, base: str, log: Lines, no_namespaces: None
) -> None:
    ordinary, chosen = built_with("buildah", engine, cache), built_with("chroot", engine, cache)
    ordinary.pauses_seconds = ()
    recipe = f"FROM {base}\nRUN cat /proc/self/uid_map > /made\nCMD cat /made\n"
    with pytest.raises(AgentError):  # or this test proves nothing
        await ordinary.build(request_for("with", {"Dockerfile": recipe}, no_cache=True), log)
    request = request_for("without", {"Dockerfile": recipe}, no_cache=True)
    await chosen.build(request, log)
    made = await docker("run", "--rm", "--network", "none", request.tag)
    assert made.split() == ["0", "0", "4294967295"], "root of a step is root of the host"


@pytest.mark.docker
async def test_a_steps_root_has_few_rights_and_nothing_of_its_host_to_use_them_on(
    engine: Engine, cache: Path, request_for: Make, base: str, log: Lines
) -> None:
    """What the page says of a build without a user namespace. The rest is in the tests of every builder."""
    recipe = (
        f"FROM {base}\nRUN busybox grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status; for it in /dev/*; do echo device $it; done\n"
        "RUN for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/1/mem; do echo x > $file && echo wrote $file; done; "
        "busybox mknod /disk b 254 0 && echo made; busybox chroot / true && echo left; busybox mount -t proc x /tmp && echo mounted; "
        "cat /proc/kcore /proc/1/environ && echo read; busybox kill -9 1; busybox ipcs -m; busybox hostname other && echo named; echo the end; busybox sleep 1\n"  # chroot isolation may lose what a step says last
    )
    builder = built_with("chroot", engine, cache)
    await builder.build(request_for("rights", {"Dockerfile": recipe}, no_cache=True), log)
    assert "the end" in log
    for never in ("wrote /", "made", "left", "mounted", "read", "named"):
        assert never not in log
    held = {line.split()[1] for line in log if line.startswith(("CapEff", "CapBnd"))}
    assert held == {"00000000800000fb"}, "owners, files, users, kill, and file capabilities"
    assert "Seccomp:\t2" in log
    devices = {line.removeprefix("device /dev/") for line in log if line.startswith("device ")}
    assert "null" in devices and devices <= {
        *cell.DEVICES.split(),
        "fd",
        "mqueue",
        "pts",
        "shm",
        "stderr",
        "stdin",
        "stdout",
    }


@pytest.mark.docker
async def test_a_device_that_an_image_brings_along_leads_nowhere(
    engine: Engine, cache: Path, request_for: Make, base: str, log: Lines, tmp_path: Path
) -> None:
    """Root opens any device that is there, such as the host's disk, in an image of strangers."""
    name = f"seatrial-test/devices-{os.getpid()}:1"
    device = tarfile.TarInfo("zero")
    device.type, device.mode, device.devmajor, device.devminor = tarfile.CHRTYPE, 0o666, 1, 5
    with tarfile.open(tmp_path / "devices.tar", "w") as tar:
        tar.addfile(device)
    await docker("import", "-c", f"LABEL {LABEL}", str(tmp_path / "devices.tar"), name)
    recipe = f"FROM {name} AS lure\nFROM {base}\nCOPY --from=lure /zero /zero\nRUN --mount=from=lure,target=/lure cat /zero /lure/zero | busybox head -c 1 | wc -c\n"
    builder = built_with("chroot", engine, cache)
    builder.pauses_seconds = ()
    with contextlib.suppress(AgentError):  # no device is made, which may end the build
        await builder.build(request_for("devices", {"Dockerfile": recipe}, no_cache=True), log)
    assert "1" not in log


@pytest.mark.docker
async def test_an_image_is_pulled_without_a_user_namespace_and_nothing_of_the_host_is_asked(
    engine: Engine,
    tmp_path: Path,
    busybox: bytes,
    log: Lines,
    no_namespaces: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = own_address()
    async with certified(busybox, host, tmp_path) as registry, served(Registry(busybox), "0.0.0.0") as closed:
        monkeypatch.setattr(pull, "ENGINES_CERTIFICATES", tmp_path / "certs.d")
        asked = f"{registry.host}/shop/base:1"
        try:
            images = pulling(engine, tmp_path, registry)
            with pytest.raises(ImageUnavailable, match="pulls may not reach"):
                await images.ensure(f"{host}:{closed.port}/shop/base:1", log)
            assert closed.asked == []
            assert await images.ensure(asked, log) == asked
            assert await run(asked, "echo", "pulled") == "pulled\n"
        finally:
            await forgotten(registry)


def pulling(engine: Engine, folder: Path, allowed: Registry) -> DockerImages:
    opened = (Address(allowed.address, allowed.port),)
    chosen = BuildIsolation.CHROOT
    return docker_builds(engine, folder / "builder", "isolated", allowed=opened, isolation=chosen)[1]


async def test_nothing_falls_back_to_fewer_walls(
    engine: Engine, tmp_path: Path, request_for: Make, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "none_allowed", lambda most=None: True)
    builder, images, _ = docker_builds(engine, tmp_path / "builder", "isolated")
    with pytest.raises(
        BuilderFailed, match=r"^web: user.max_user_namespaces is 0.*GALLEY_BUILD_ISOLATION=chroot"
    ):
        await builder.build(request_for("refused", {"Dockerfile": "FROM scratch\n"}), log)
    with pytest.raises(BuilderFailed, match=r"^a\.test/b:1 is not pulled: user.max_user_namespaces is 0"):
        await images.ensure("a.test/b:1", log)
    facts = await builder.facts()
    assert any("user.max_user_namespaces is 0" in problem for problem in facts.problems)
    assert not (tmp_path / "builder").exists(), "nothing was begun"


def test_who_may_choose_it_and_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = tmp_path / "max_user_namespaces"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs an agent that runs as root" in refused(BuildIsolation.CHROOT, most)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert refused(BuildIsolation.CHROOT, most) == ""
    for text, none in (("0\n", True), ("15000\n", False), ("", False)):
        most.write_text(text)
        assert none_allowed(most) is none
        assert bool(refused(BuildIsolation.USERNS, most)) is none
    assert not none_allowed(tmp_path / "of another kernel")
    assert lacking(BuildIsolation.USERNS, authorities=True) == []
    assert len(lacking(BuildIsolation.CHROOT, authorities=False)) == 1
    [walls, trust] = lacking(BuildIsolation.CHROOT, authorities=True)
    assert "root of this host" in walls and "GALLEY_BUILD_CA_FILE" in trust
