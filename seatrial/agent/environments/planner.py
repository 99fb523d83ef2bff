"""Plans the next steps of one environment: a pure function of the desired state, the host, and the work in progress.

Called again after every step and every change, so it only ever names what can be done now. The order of the
steps matters: containers go before the networks and volumes they hang on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.agent.environments.launch import Launch, Planned, supplanted
from seatrial.agent.vocabulary.containers import Container, ContainerState
from seatrial.agent.vocabulary.labels import DEPLOYMENT, GENERATION
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment

AGAIN_SECONDS = 10.0  # what does not stay up that long after a start is repaired, at the pace of repairs
Labelled = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Host:
    """Everything of one environment that is on the host now; `trees` are deployments with files on disk."""

    containers: tuple[Container, ...] = ()
    networks: Labelled = field(default_factory=dict)
    volumes: Labelled = field(default_factory=dict)
    images: Labelled = field(default_factory=dict)
    trees: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not (self.containers or self.networks or self.volumes or self.images or self.trees)

    @property
    def data(self) -> int:
        """How often the data was emptied here."""
        return max((int(labels.get(GENERATION, 0)) for labels in self.volumes.values()), default=0)

    def deployments(self) -> set[str]:
        """Deployments that have anything but images on the host."""
        labels = [container.labels for container in self.containers] + list(self.networks.values())
        return {label[DEPLOYMENT] for label in labels if label.get(DEPLOYMENT)} | set(self.trees)


@dataclass(frozen=True)
class Progress:
    """What the environment's actor remembers. It may be lost in a crash without harm."""

    attempt: str | None = None  # the candidate that is being prepared and started
    repair: str | None = None  # the live deployment that is being brought back
    ready: frozenset[str] = frozenset()  # candidates reported ready
    failed: frozenset[str] = frozenset()  # candidates reported failed
    discarded: frozenset[str] = (
        frozenset()
    )  # deployments that never served a visitor: removed without draining
    waiting: frozenset[str] = frozenset()  # candidates that are prepared, and not let in yet
    launches: Mapping[str, Launch] = field(default_factory=dict)  # of deployments that came up
    drains: Mapping[str, float] = field(default_factory=dict)  # deployment -> when it may go
    started_again: Mapping[str, float] = field(default_factory=dict)  # container -> when
    repair_after: float = 0.0
    attempt_after: float = 0.0
    saved: Mapping[str, float] = field(default_factory=dict)  # snapshot -> when how it went is told again


@dataclass(frozen=True)
class Cancel:
    """End the work on a deployment that is no longer desired."""

    deployment: str


@dataclass(frozen=True)
class Attempt:
    """Prepare, start and check the candidate."""

    deployment: DesiredDeployment


@dataclass(frozen=True)
class Repair:
    """Bring the live deployment up (again); also after a restart of the agent, to learn what it consists of."""

    deployment: DesiredDeployment


@dataclass(frozen=True)
class StartAgain:
    """Start a container of the live deployment as it is, at once: visitors wait. `Repair` follows if that was not enough."""

    planned: Planned
    container: Container


@dataclass(frozen=True)
class Halt:
    """Stop containers of an environment that is not to run, and leave everything else as it is."""

    containers: tuple[Container, ...]


@dataclass(frozen=True)
class Pause:
    """Pause containers of an environment that sleeps, each before those that it needs."""

    containers: tuple[Container, ...]


@dataclass(frozen=True)
class GoOn:
    """Let paused containers go on, each after those that it needs."""

    containers: tuple[Container, ...]


@dataclass(frozen=True)
class Drain:
    """Let an old deployment finish its requests before it is removed."""

    deployment: str


@dataclass(frozen=True)
class RemoveDeployment:
    """Remove containers, network and files of one deployment."""

    deployment: str


@dataclass(frozen=True)
class RemoveContainer:
    """Remove one container that is no longer in any desired deployment's recipe."""

    name: str


@dataclass(frozen=True)
class RemoveImage:
    """Remove one image that no desired deployment uses."""

    reference: str


@dataclass(frozen=True)
class EmptyData:
    """Remove all containers and volumes, because other data is desired: how often it was emptied then."""

    data: int


@dataclass(frozen=True)
class Save:
    """Save the data as the snapshot, or tell again how that went."""

    snapshot: str


@dataclass(frozen=True)
class RemoveEverything:
    """Remove everything of the environment."""


Step = (
    Cancel
    | Attempt
    | Repair
    | StartAgain
    | Halt
    | Pause
    | GoOn
    | Drain
    | RemoveDeployment
    | RemoveContainer
    | RemoveImage
    | EmptyData
    | Save
    | RemoveEverything
)


def plan(desired: DesiredEnvironment | None, host: Host, progress: Progress, now: float) -> list[Step]:
    """The steps to take now, in order; empty if everything is as desired or the next step must wait."""
    if desired is None:
        return [*_cancel_all(progress), *([] if host.empty else [RemoveEverything()])]
    if desired.data != host.data:
        return [*_cancel_all(progress), EmptyData(desired.data)]
    if not desired.running:
        rest = _pause(desired, host, progress) if desired.paused else _halt(host)
        return [*_cancel_all(progress), *_remove_old(desired, host, progress, now), *rest]
    if paused := in_order(host, desired, progress, ContainerState.PAUSED):
        return [GoOn(paused)]
    return [
        *_cancel(desired, progress),
        *_remove_old(desired, host, progress, now),
        *_repair(desired, host, progress, now),
        *_attempt(desired, progress, now),
        *_tidy(desired, host, progress),
        *_save(desired, host, progress, now),
    ]


def wanted(desired: DesiredEnvironment) -> dict[str, DesiredDeployment]:
    """The deployments that may be on the host, by id."""
    return {deployment.id: deployment for deployment in (desired.live, desired.candidate) if deployment}


def _cancel_all(progress: Progress) -> list[Step]:
    return [Cancel(work) for work in (progress.attempt, progress.repair) if work]


def _halt(host: Host) -> list[Step]:
    up = tuple(
        container
        for container in host.containers
        if container.state.up or container.state is ContainerState.PAUSED
    )
    return [Halt(up)] if up else []


def _pause(desired: DesiredEnvironment, host: Host, progress: Progress) -> list[Step]:
    """One that has ended, or is about to begin again, is left to the engine; it is paused once it runs."""
    running = in_order(host, desired, progress, ContainerState.RUNNING)
    return [Pause(running[::-1])] if running else []


def in_order(
    host: Host, desired: DesiredEnvironment, progress: Progress, state: ContainerState
) -> tuple[Container, ...]:
    """The containers in this state, each after those that it needs, as far as it is known what the live deployment consists of."""
    launch = progress.launches.get(desired.live.id) if desired.live else None
    places = {p.spec.name: place for place, p in enumerate(launch.services)} if launch else {}
    found = [container for container in host.containers if container.state is state]
    return tuple(sorted(found, key=lambda container: (places.get(container.name, -1), container.name)))


def _cancel(desired: DesiredEnvironment, progress: Progress) -> list[Step]:
    steps: list[Step] = []
    if progress.attempt and progress.attempt not in wanted(desired):
        steps.append(Cancel(progress.attempt))
    if progress.repair and (desired.live is None or progress.repair != desired.live.id):
        steps.append(Cancel(progress.repair))
    return steps


def _attempt(desired: DesiredEnvironment, progress: Progress, now: float) -> list[Step]:
    candidate = desired.candidate
    if candidate is None or candidate == desired.live:
        return []
    if candidate.id in progress.ready | progress.failed or now < progress.attempt_after:
        return []
    return [] if progress.attempt else [Attempt(candidate)]


def _repair(desired: DesiredEnvironment, host: Host, progress: Progress, now: float) -> list[Step]:
    live = desired.live
    if live is None or progress.repair or now < progress.repair_after or progress.attempt == live.id:
        return []
    launch = progress.launches.get(live.id)
    if launch is None:
        return [Repair(live)]
    if not broken(launch, host, durable_too=not challenged(desired, progress)):
        return []
    return [*_start_again(launch, host, progress, now)] or [Repair(live)]


def _start_again(launch: Launch, host: Host, progress: Progress, now: float) -> list[Step]:
    """Services that only have to be started, if that is all that is amiss, none of them was just started again, and none needs
    another of them: a repair starts those in their order."""
    containers = {container.name: container for container in host.containers}
    amiss = [p for p in launch.services if _amiss(launch, p, containers.get(p.spec.name))]
    there = [(p, containers[p.spec.name]) for p in amiss if p.spec.name in containers and not p.durable]
    lately = any(now - progress.started_again.get(p.spec.name, -AGAIN_SECONDS) < AGAIN_SECONDS for p in amiss)
    names = {planned.service.name for planned in amiss}
    ordered = any(names & set(planned.service.comes_after) for planned in amiss)
    if lately or ordered or len(there) < len(amiss) or launch.network not in host.networks:
        return []
    return [StartAgain(planned, container) for planned, container in there]


def challenged(desired: DesiredEnvironment, progress: Progress) -> bool:
    """Whether a candidate may be replacing services that keep data: until it has failed, it is responsible for them, but not
    while it waits to be let in."""
    candidate = desired.candidate
    return candidate is not None and candidate.id not in progress.failed | progress.waiting


def broken(launch: Launch, host: Host, *, durable_too: bool) -> bool:
    """Whether a container of `launch` is missing or has stopped, or its network is gone.

    `durable_too` includes services that keep data, which a failed candidate may have replaced.
    """
    if launch.network not in host.networks:
        return True
    containers = {container.name: container for container in host.containers}
    return any(
        _amiss(launch, planned, containers.get(planned.spec.name))
        for planned in launch.services
        if durable_too or not planned.durable
    )


def _amiss(launch: Launch, planned: Planned, container: Container | None) -> bool:
    if container is None or stopped(planned, container) or cut_off(planned, container):
        return True
    if not planned.durable:
        return False
    return supplanted(container, planned, launch.deployment) or launch.network not in container.addresses


def stopped(planned: Planned, container: Container) -> bool:
    """Whether it has ended, does not come back by itself, and should run."""
    if planned.one_shot and not (
        container.stays_down and planned.service.restart.comes_back(container.exit_code)
    ):
        return False
    return not container.state.up


def cut_off(planned: Planned, container: Container) -> bool:
    """Whether it runs in the network of a service that has begun again since, and so has another."""
    return planned.spec.network_of is not None and container.state.up and not container.addresses


def _save(desired: DesiredEnvironment, host: Host, progress: Progress, now: float) -> list[Step]:
    """What is live runs, and nothing is being changed about it."""
    launch = progress.launches.get(desired.live.id) if desired.live else None
    if not desired.save or launch is None or progress.attempt or progress.repair:
        return []
    if now < progress.saved.get(desired.save, 0.0) or broken(launch, host, durable_too=True):
        return []
    return [Save(desired.save)]


def _remove_old(desired: DesiredEnvironment, host: Host, progress: Progress, now: float) -> list[Step]:
    steps: list[Step] = []
    keep = set(wanted(desired)) - progress.failed
    if desired.live:
        keep.add(desired.live.id)
    for deployment in sorted(host.deployments() - keep - {progress.attempt, progress.repair}):
        if deployment in progress.discarded | progress.failed:
            steps.append(RemoveDeployment(deployment))
        elif deployment not in progress.drains:
            steps.append(Drain(deployment))
        elif now >= progress.drains[deployment]:
            steps.append(RemoveDeployment(deployment))
    return steps


def _tidy(desired: DesiredEnvironment, host: Host, progress: Progress) -> list[Step]:
    """Steps to remove durable containers and images that no desired deployment uses; only if all desired ones are known.

    If no deployment is desired, the environment is leaving. It may return to its data, so the data stays until the
    environment itself is no longer desired.
    """
    if not wanted(desired):
        return []
    keep = set(wanted(desired)) - progress.failed
    if progress.attempt or progress.repair or not keep <= set(progress.launches):
        return []
    launches = [progress.launches[deployment] for deployment in keep]
    specs = [planned.spec for launch in launches for planned in launch.services]
    names = {spec.name for spec in specs}
    stray = [c for c in host.containers if not c.labels.get(DEPLOYMENT) and c.name not in names]
    used = {spec.image for spec in specs} | {container.image for container in host.containers}
    images = sorted(reference for reference in host.images if reference not in used)
    return [*(RemoveContainer(c.name) for c in stray), *map(RemoveImage, images)]
