"""What is said of a host with every heartbeat: each thing that is wrong has the command that mends it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from seatrial.agent.builds.base import Facts
from seatrial.agent.builds.images import LIMITS_SECONDS, DockerImages
from seatrial.agent.builds.isolation import lacking
from seatrial.agent.builds.registries.answers import Reach, RegistrySilent, problem_of
from seatrial.agent.engine import Machine
from seatrial.agent.runtime.docker import DockerRuntime, PreviewFence
from seatrial.agent.survey import lines as module
from seatrial.agent.survey.lines import MOST, REGISTER, RESTRICTED, SYMPTOM, HostLines, gvisor, left_behind
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.agent.vocabulary.logs import quiet
from seatrial.wire.agents import Heartbeat, HostLine
from seatrial.wire.envelope import Envelope
from seatrial.wire.words import HostMatter

BUILDAH = Facts("buildah 1.28")
MACHINE = Machine(2, True, "20.10.24", gvisor_for_previews=True)


class Containers:
    """No container of anybody."""

    async def ids(self, labels: dict[str, str]) -> list[str]:
        return []


class Engine:
    """As `machine` says, or away."""

    def __init__(self, machine: Machine | None) -> None:
        self._machine = machine
        self.containers = Containers()

    async def machine(self) -> Machine:
        if self._machine is None:
            raise RuntimeUnavailable("nothing answers at unix:///var/run/docker.sock")
        return self._machine


def kernel(root: Path, *, most: int = 15_000, restricted: int | None = None) -> Path:
    (root / MOST).parent.mkdir(parents=True)
    (root / MOST).write_text(f"{most}\n")
    if restricted is not None:
        (root / RESTRICTED).parent.mkdir(parents=True)
        (root / RESTRICTED).write_text(f"{restricted}\n")
    return root


async def looked(
    directory: Path,
    *,
    machine: Machine | None = MACHINE,
    fence: PreviewFence | None = None,
    images: DockerImages | None = None,
    full: Sequence[str] = (),
    unprivileged: bool = False,
    kernel: Path = Path("/nowhere"),
    builder: Facts = BUILDAH,
    isolation: BuildIsolation = BuildIsolation.USERNS,
) -> dict[Any, HostLine]:
    """What one look found, by what it is about."""
    runtime = DockerRuntime(cast("Any", Engine(machine)), fence)
    lines = HostLines(
        agent="01AGENT",
        directory=directory,
        runtime=runtime,
        images=images,
        full=lambda: full,
        builder=lambda: builder,
        caches=directory / "builder",
        unprivileged=unprivileged,
        kernel=kernel,
        isolation=isolation,
    )
    await lines.look()
    return {line.about: line for line in lines.now}


async def test_a_host_where_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find", lambda program: f"/usr/bin/{program}")
    found = await looked(tmp_path)
    assert {about: line.well for about, line in found.items()} == dict.fromkeys(
        (HostMatter.ENGINE, HostMatter.GVISOR, HostMatter.NAMESPACES, HostMatter.BUILDER, HostMatter.DISK),
        True,
    )
    assert found[HostMatter.ENGINE].text == "Docker Engine 20.10.24 answers"


async def test_an_engine_that_is_away_is_one_line_and_the_rest_is_still_said(tmp_path: Path) -> None:
    found = await looked(tmp_path, machine=None)
    assert "nothing answers at unix:///var/run/docker.sock" in found[HostMatter.ENGINE].text
    assert "sudo systemctl status docker" in found[HostMatter.ENGINE].fix
    assert HostMatter.GVISOR not in found and HostMatter.DISK in found


async def test_without_gvisor_the_fix_is_to_register_it(tmp_path: Path) -> None:
    line = (await looked(tmp_path, machine=Machine(2, False, "20.10.24")))[HostMatter.GVISOR]
    assert "gVisor (runsc) is not registered" in line.text
    assert (line.well, line.grave, line.fix) == (False, False, REGISTER)
    assert REGISTER == "sudo runsc install && sudo systemctl restart docker"


async def test_previews_of_forks_take_a_registration_of_their_own(tmp_path: Path) -> None:
    line = (await looked(tmp_path, machine=Machine(2, True, "20.10.24")))[HostMatter.GVISOR]
    assert (line.well, line.grave) == (False, False) and "those of forks are refused here" in line.text
    assert "--runtime=runsc-previews -- --network=host" in line.fix


def test_sandboxes_that_run_under_runc_although_gvisor_is_registered_are_counted() -> None:
    [line] = gvisor(registered=True, sandboxes={"runsc": 1, "runc": 2})
    assert not line.well and "2 under runc" in line.text and "HostConfig.Runtime" in line.text
    [line] = gvisor(registered=True, sandboxes={"runsc": 1})
    assert line.well and "1 sandbox now" in line.text


async def test_rules_that_do_not_count_are_named(tmp_path: Path) -> None:
    fence = PreviewFence()
    fence.doubt = "previews can reach services on their host"
    assert (await looked(tmp_path, fence=fence))[HostMatter.FIREWALL].text == fence.doubt


async def test_namespaces_that_ubuntu_keeps_from_builds_are_said_in_the_words_of_the_container(
    tmp_path: Path,
) -> None:
    restricted = kernel(tmp_path / "proc", restricted=1)
    line = (await looked(tmp_path, kernel=restricted, unprivileged=True))[HostMatter.NAMESPACES]
    assert not line.well and SYMPTOM in line.text
    assert line.fix.splitlines() == [
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        'echo "kernel.apparmor_restrict_unprivileged_userns=0" | sudo tee /etc/sysctl.d/60-apparmor-userns.conf',
        "docker restart galley-buildkit-v2",
    ]
    assert (await looked(tmp_path, kernel=restricted))[
        HostMatter.NAMESPACES
    ].well  # root may, and root builds


async def test_namespaces_that_are_switched_off_are_grave_for_everybody(tmp_path: Path) -> None:
    line = (await looked(tmp_path, kernel=kernel(tmp_path / "proc", most=0)))[HostMatter.NAMESPACES]
    assert not line.well and line.grave and "user.max_user_namespaces=15000" in line.fix
    assert "GALLEY_BUILD_ISOLATION=chroot" in line.fix


async def test_who_chose_to_build_without_namespaces_is_told_what_that_lacks_and_not_to_switch_them_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find", lambda program: program)
    off, chosen = kernel(tmp_path / "proc", most=0), BuildIsolation.CHROOT
    facts = Facts("buildah 1.28", lacks=lacking(chosen, authorities=False))
    found = await looked(tmp_path, kernel=off, builder=facts, isolation=chosen)
    assert found[HostMatter.NAMESPACES].well
    line = found[HostMatter.BUILDER]
    assert "run as root of this host" in line.text and "docs/builders.md" in line.fix
    assert (line.well, line.grave) == (False, False), "it is as somebody wanted it"


async def test_programs_that_builds_need_are_named_with_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find", lambda program: None if program == "newuidmap" else program)
    line = (await looked(tmp_path))[HostMatter.BUILDER]
    assert "newuidmap" in line.text and line.fix == "sudo apt-get install uidmap"


async def test_what_is_wrong_with_the_builder_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find", lambda program: program)
    assert (await looked(tmp_path))[
        HostMatter.BUILDER
    ].text == "buildah 1.28 builds here, and has what it needs"
    line = (await looked(tmp_path, builder=Facts("BuildKit", ["no docker-buildx here"])))[HostMatter.BUILDER]
    assert (line.well, line.text) == (False, "no docker-buildx here")


async def test_a_full_disk_names_what_may_be_cleared(tmp_path: Path) -> None:
    line = (await looked(tmp_path, full=["nothing is built: 3 MB free"]))[HostMatter.DISK]
    assert not line.well and line.text == "nothing is built: 3 MB free"
    assert str(tmp_path / "builder") in line.fix and "docker system prune" in line.fix


def test_containers_of_another_agent_are_counted_and_named() -> None:
    [line] = left_behind({"01OLD": 3})
    assert "3 containers" in line.text and "01OLD" in line.text and not line.grave
    assert "docker ps -a --filter label=galley.managed=true" in line.fix
    assert "label=galley.agent=01OLD" in line.fix


class Pulls:
    """A registry that limits pulls until it does not."""

    def __init__(self) -> None:
        self.limits = True

    async def pull(self, image: str, log: Any, login: Any = None) -> None:
        if self.limits:
            said = "reading manifest 1 in docker.io/library/one: toomanyrequests: You have reached your pull rate limit"
            problem = problem_of(image, "docker.io", said, Reach())
            assert isinstance(problem, RegistrySilent)
            raise problem


class StandIns:
    async def ensure(self, image: str, why: str, log: Any) -> str:
        return f"stand-in-of-{image}"


class Known:
    """The engine's images: none until it is said that they are there."""

    def __init__(self) -> None:
        self.there = False

    async def get(self, reference: str) -> Any:
        return type("Image", (), {"labels": {}}) if self.there else None


async def test_a_registry_that_limits_pulls_is_named_until_something_comes_again(tmp_path: Path) -> None:
    pulls, known, now = Pulls(), Known(), [0.0]
    engine = cast("Any", type("Engine", (), {"images": known}))
    images = DockerImages(engine, StandIns(), pulls, clock=lambda: now[0])
    assert HostMatter.REGISTRY not in await looked(tmp_path, images=images)
    await images.ensure("one:1", quiet)
    line = (await looked(tmp_path, images=images))[HostMatter.REGISTRY]
    assert "429 Too Many Requests" in line.text and "registry-mirrors" in line.fix and not line.grave
    now[0] = LIMITS_SECONDS + 1
    assert HostMatter.REGISTRY not in await looked(tmp_path, images=images)


def test_a_heartbeat_carries_the_lines_and_one_of_an_earlier_release_has_none() -> None:
    line = HostLine(about="something new", well=False, text="what it is", fix="what to do")
    sent = Envelope.decode(Envelope.wrap(Heartbeat(release="1", host=[line])).encode()).open()
    assert isinstance(sent, Heartbeat) and sent.host == [line]
    assert Heartbeat.model_validate({"release": "0"}).host == []
