"""What is said of this host with every heartbeat: one line for each thing that must be right, with its fix where it is not."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.builds.base import Facts
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.isolation import SETTING
from seatrial.agent.commands.programs import find
from seatrial.agent.engine import Machine
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.sandboxes.containers import WITHOUT_GVISOR
from seatrial.agent.sandboxes.lookout import Lookouts
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import AGENT, MANAGED
from seatrial.wire.agents import MOST_TEXT, HostLine
from seatrial.wire.counted import counted
from seatrial.wire.states import Isolation
from seatrial.wire.words import HostMatter

LOOK_SECONDS = 60.0
KERNEL = Path("/proc/sys")
RESTRICTED = "kernel/apparmor_restrict_unprivileged_userns"  # of AppArmor, on Ubuntu since 23.10
MOST = "user/max_user_namespaces"
REGISTER = "sudo runsc install && sudo systemctl restart docker"
REGISTER_FOR_PREVIEWS = (
    "sudo runsc install --runtime=runsc-previews -- --network=host && sudo systemctl reload docker"
)
SYMPTOM = "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: permission denied"
PACKAGES = {
    "buildah": "buildah",
    "newuidmap": "uidmap",
    "slirp4netns": "slirp4netns",
    "debootstrap": "debootstrap",
}
UNRESTRICT = (
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\n"
    'echo "kernel.apparmor_restrict_unprivileged_userns=0" | sudo tee /etc/sysctl.d/60-apparmor-userns.conf\n'
    "docker restart galley-buildkit-v2"
)
SWITCH_ON = (
    "sudo sysctl -w user.max_user_namespaces=15000\n"
    'echo "user.max_user_namespaces=15000" | sudo tee /etc/sysctl.d/60-user-namespaces.conf'
)
SEE = "What that means: docs/builders.md, without user namespaces"
OR_WITHOUT = f"Where that may not be: {SETTING}={BuildIsolation.CHROOT}. What it lacks: docs/builders.md"

More = Callable[[], Sequence[HostLine]]  # what another room has to say, as it is now


def kernel_says(name: str, root: Path = KERNEL) -> int | None:
    """A number of the kernel's settings; None if this kernel has no such setting."""
    try:
        return int((root / name).read_text())
    except (OSError, ValueError):
        return None


@dataclass
class HostLines:
    """`now` is what the last look found, and is empty before the first. `run` looks at once and every LOOK_SECONDS.

    `unprivileged`: something here builds as a user that is not root. `isolation`: of builds with buildah. `more` is asked at each look.
    """

    agent: str
    directory: Path
    runtime: DockerRuntime
    images: DockerImages | None
    full: Callable[[], Sequence[str]]  # the warning that nothing is built for lack of space, if it is so
    builder: Callable[[], Facts]  # what builds here, as it is known now
    caches: Path  # of builds
    programs: Mapping[str, str] = field(
        default_factory=lambda: PACKAGES
    )  # that it needs, with their packages
    unprivileged: bool = field(default_factory=lambda: os.geteuid() != 0)
    isolation: BuildIsolation = BuildIsolation.USERNS
    more: Sequence[More] = ()
    kernel: Path = KERNEL
    now: list[HostLine] = field(default_factory=list)
    contains_forks: bool | None = None  # by the last look that found out

    async def run(self) -> None:
        """Runs for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once. What cannot be found out is a line as well."""
        lines = await self._engine()
        lines += [
            *self._firewall(),
            *self._namespaces(),
            *self._builder(),
            *self._disk(),
            *self._registries(),
        ]
        for one in self.more:
            lines += one()
        self.now = lines

    async def _engine(self) -> list[HostLine]:
        engine = self.runtime.engine
        try:
            machine = await engine.machine()
            runtimes = await Lookouts(engine, self.agent).runtimes()
            others = await self._others()
        except AgentError as error:
            fix = "On that host: sudo systemctl status docker. Where galley-engine-proxy is between: docker compose restart galley-engine-proxy"
            return [bad(HostMatter.ENGINE, f"Docker Engine: {error}", fix)]
        return [
            well(HostMatter.ENGINE, f"Docker Engine {machine.version} answers"),
            *gvisor(registered=machine.gvisor, sandboxes=runtimes),
            *self._forks(machine),
            *left_behind(others),
        ]

    def _forks(self, machine: Machine) -> Iterator[HostLine]:
        self.contains_forks = machine.gvisor_for_previews and not self.runtime.fence.gap
        if machine.gvisor and not machine.gvisor_for_previews:
            text = "gVisor is not registered for previews (runsc-previews): those of forks are refused here"
            yield bad(HostMatter.GVISOR, text, REGISTER_FOR_PREVIEWS, grave=False)

    async def _others(self) -> Counter[str]:
        """How many containers other agents have here, by the agent's id."""
        containers = self.runtime.engine.containers
        ours = set(await containers.ids({MANAGED: "true", AGENT: self.agent}))
        others = [
            await self.runtime.get(one) for one in await containers.ids({MANAGED: "true"}) if one not in ours
        ]
        return Counter(one.labels.get(AGENT, "") for one in others if one is not None)

    def _firewall(self) -> Iterator[HostLine]:
        fence = self.runtime.fence
        for warning in fence.warnings:
            yield bad(HostMatter.FIREWALL, warning)
        if fence.stands and not fence.warnings:
            yield well(HostMatter.FIREWALL, "firewall rules keep previews away from this host")

    def _namespaces(self) -> Iterator[HostLine]:
        if self.isolation is BuildIsolation.CHROOT:
            yield well(HostMatter.NAMESPACES, f"builds need no user namespace ({SETTING}={self.isolation})")
        elif kernel_says(MOST, self.kernel) == 0:
            text = "user.max_user_namespaces is 0: nothing can be built"
            yield bad(HostMatter.NAMESPACES, text, f"{SWITCH_ON}\n{OR_WITHOUT}")
        elif self.unprivileged and kernel_says(RESTRICTED, self.kernel) == 1:
            text = (
                "kernel.apparmor_restrict_unprivileged_userns is 1, so nobody but root makes user namespaces: builds of such a user fail, "
                f"and galley-buildkit-v2 restarts again and again with {SYMPTOM}"
            )
            yield bad(HostMatter.NAMESPACES, text, UNRESTRICT)
        else:
            yield well(HostMatter.NAMESPACES, "user namespaces can be made")

    def _builder(self) -> Iterator[HostLine]:
        facts = self.builder()
        for problem in facts.problems:
            yield bad(HostMatter.BUILDER, problem)
        missing = [program for program in self.programs if find(program) is None]
        if missing:
            install = f"sudo apt-get install {' '.join(self.programs[program] for program in missing)}"
            yield bad(
                HostMatter.BUILDER, f"builds need {', '.join(missing)}, which is not installed here", install
            )
        elif facts.called and not facts.problems:
            yield well(HostMatter.BUILDER, f"{facts.called} builds here, and has what it needs")
        for chosen in facts.lacks:
            yield bad(HostMatter.BUILDER, chosen, SEE, grave=False)

    def _disk(self) -> Iterator[HostLine]:
        for warning in self.full():
            fix = (
                f"Remove what nothing uses: docker system prune. With the agent stopped, {self.directory / 'git'} and "
                f"{self.caches} may be removed as well: both are caches"
            )
            yield bad(HostMatter.DISK, warning, fix)
            return
        free = shutil.disk_usage(self.directory).free // 1024**2
        yield well(HostMatter.DISK, f"{free:,} MB of disk are free at {self.directory}")

    def _registries(self) -> Iterator[HostLine]:
        for silent in self.images.limited if self.images else ():
            fix = (
                'Wait until it allows more, or let the engine ask a mirror: "registry-mirrors" in /etc/docker/daemon.json. '
                "Or load the image here (docker load)"
            )
            yield bad(HostMatter.REGISTRY, str(silent), fix, grave=False)


def well(about: HostMatter, text: str) -> HostLine:
    """It is as it should be."""
    return HostLine(about=about, well=True, text=text[:MOST_TEXT])


def bad(about: HostMatter, text: str, fix: str = "", *, grave: bool = True) -> HostLine:
    """It is not."""
    return HostLine(about=about, well=False, text=text[:MOST_TEXT], fix=fix[:MOST_TEXT], grave=grave)


def gvisor(*, registered: bool, sandboxes: Mapping[str, int]) -> Iterator[HostLine]:
    """Whether it is registered, and what the sandboxes that are there really run with (`HostConfig.Runtime`)."""
    if not registered:
        yield bad(HostMatter.GVISOR, WITHOUT_GVISOR, REGISTER, grave=False)
        return
    others = {name: count for name, count in sandboxes.items() if name != Isolation.GVISOR}
    if others:
        named = ", ".join(f"{count} under {name}" for name, count in others.items())
        text = f"gVisor (runsc) is registered, but not all sandboxes run in it (HostConfig.Runtime): {named}"
        yield bad(
            HostMatter.GVISOR, text, "Restart the agent: docker compose restart galley-agent", grave=False
        )
    else:
        used = sandboxes.get(Isolation.GVISOR, 0)
        now = f", and {counted(used, 'sandbox', 'sandboxes')} now run in it" if used else ""
        yield well(HostMatter.GVISOR, f"gVisor (runsc) is registered{now}")


def left_behind(others: Mapping[str, int]) -> Iterator[HostLine]:
    """Containers of agents that are not this one: another agent of this host has them, or nobody any more."""
    for agent, count in others.items():
        label = f"{AGENT}={agent}"
        yield bad(
            HostMatter.CONTAINERS,
            f"another agent ({agent or 'unknown'}) has {counted(count, 'container')} on this host",
            f"If that agent is gone: docker rm -f $(docker ps -aq --filter label={label}). Look first: docker ps -a --filter label={MANAGED}=true",
            grave=False,
        )
