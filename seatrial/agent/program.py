"""Assembles the agent: every part is created here and passed to the parts that need it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from seatrial import __version__
from seatrial.agent import proof
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.weighing import held_below
from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.credentials import BusCredentials
from seatrial.agent.bus.desired import DesiredStates
from seatrial.agent.bus.identity import Credential, Identity
from seatrial.agent.bus.jobs import Jobs
from seatrial.agent.bus.publisher import BusReports
from seatrial.agent.bus.registration import bus_of, context_of, readmitted, registered
from seatrial.agent.bus.registries import BusRegistryLogins
from seatrial.agent.bus.variables import BusVariables
from seatrial.agent.bus.visits import BusVisits
from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.doors import Direct, Doors, Ways
from seatrial.agent.environments.build_queue import BuildQueue
from seatrial.agent.environments.disk import DiskWatch
from seatrial.agent.environments.names import owned_by
from seatrial.agent.environments.service import Environments
from seatrial.agent.environments.tools import Tools
from seatrial.agent.heartbeat.beat import beat, full, measured
from seatrial.agent.hosting import choose, runtime_of
from seatrial.agent.housekeeping import Housekeeping, Prune
from seatrial.agent.logs.following import Followers
from seatrial.agent.logs.shares import Shares
from seatrial.agent.logs.shipping import LogShipping
from seatrial.agent.recipes.compose.asking import Compose
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.sandboxes.assembly import evaluations, sandbox_image
from seatrial.agent.sandboxes.berths import Harbour
from seatrial.agent.sandboxes.image import ImageSource
from seatrial.agent.sandboxes.lookout import Lookouts
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.agent.screenshots.browsers import BrowserImage
from seatrial.agent.screenshots.camera import Camera
from seatrial.agent.screenshots.service import Screenshots
from seatrial.agent.settings import Settings
from seatrial.agent.supervision import keep
from seatrial.agent.survey.answering import Answering, Asked
from seatrial.agent.survey.builder import BuilderWatch
from seatrial.agent.survey.host import Sandboxing, Survey
from seatrial.agent.survey.lines import PACKAGES, HostLines
from seatrial.agent.tunnels.answering import Tunnels
from seatrial.agent.tunnels.opening import Opening
from seatrial.agent.vocabulary.addresses import addresses_of_urls
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.logs import quiet
from seatrial.agent.vocabulary.shares import Share
from seatrial.dialling import servers
from seatrial.wire import hosts, subjects
from seatrial.wire.agents import MOST_QUEUED, Heartbeat
from seatrial.wire.ending import ended
from seatrial.wire.envelope import Message
from seatrial.wire.hosts import AskHost
from seatrial.wire.screenshots import ANSWER_SECONDS, AskScreenshot
from seatrial.wire.words import DiskKind

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 2.0
AGAIN_SECONDS = 1.0  # until what lost its cancellation in the bus's client is cancelled again


class AgentProgram:
    """One agent process. `run` ends only by cancellation or RegistrationRefused."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._directory: Path = settings.galley_data_dir
        self._identity = Identity.load(self._directory / "identity")
        self._checkouts = Cache(self._directory / "git", authorities=settings.gitgrit_custom_ca_file_path)

    async def run(self) -> None:
        """Join the fleet, then keep every part running. When cancelled, it sends what is queued and leaves
        containers running."""
        self._identity, credential = await registered(self._identity, self._settings, release=__version__)
        bus = self._bus(credential)
        if await bus.refuses() and (
            again := await readmitted(self._identity, self._settings, release=__version__)
        ):
            self._identity, credential = again
            bus = self._bus(credential)
        reports = BusReports(bus)
        runtime = runtime_of(self._settings)
        tools = self._tools(runtime, reports, bus)
        image = self._sandbox_image(tools)
        if image is not None:
            tools = replace(tools, copy_image=partial(image.ensure, quiet))
        followers = Followers(runtime, tools.logs, self._directory)
        environments = Environments(
            tools, followers, orphan_grace_seconds=self._settings.galley_orphan_grace_seconds
        )
        policies = self._evaluations(tools, bus, image, self._harbour(bus_of(self._settings, credential)))
        builder = watch(tools)
        host = self._host_lines(tools, builder)
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "bus": bus.run,
            "reports": reports.run,
            "environments": environments.run,
            "logs": followers.run,
            "desired state": lambda: DesiredStates(bus).run(environments),
            "heartbeat": lambda: beat(
                bus, lambda: self._heartbeat(tools, environments, policies, builder, host), self._directory
            ),
            "evaluations": policies.run,
            "surveys": surveys(bus, self._survey(tools, image, builder)).run,
            "tunnels": Tunnels(bus, Opening(runtime, bus.agent)).run,
            "screenshots": lambda: screenshots(bus, self._camera(tools), environments),
            "caches": lambda: self._keep_house(tools, environments, policies, followers),
        }
        if isinstance(runtime, DockerRuntime) and self._settings.galley_firewall:
            parts["firewall"] = runtime.run_fence
            if image is not None and proof.needed():
                parts["proof of the firewall"] = proof.Proof(runtime, image, bus.agent).run
        if builder is not None:
            parts["builder"] = builder.run
        if host is not None:
            parts["host"] = host.run
        tasks = {name: asyncio.create_task(keep(name, part)) for name, part in parts.items()}
        log.info("agent runs", agent=credential.agent, name=credential.name, release=__version__)
        try:
            # Unlike gather, this keeps the bus running after a cancellation, for the last reports.
            await asyncio.wait(tasks.values())
        finally:
            await self._stop(tasks, environments, tools, reports)

    def _bus(self, credential: Credential) -> Bus:
        url, context = bus_of(self._settings, credential), context_of(self._settings)
        return Bus(url, self._identity.credentials_file, credential.agent, context)

    async def _stop(
        self,
        tasks: Mapping[str, asyncio.Task[None]],
        environments: Environments,
        tools: Tools,
        reports: BusReports,
    ) -> None:
        await environments.close()
        last = ("bus", "reports")
        await _end([task for name, task in tasks.items() if name not in last])
        await tools.logs.flush()
        await reports.flush(FLUSH_SECONDS)
        await ended(*(tasks[name] for name in last), again_seconds=AGAIN_SECONDS)
        if isinstance(tools.runtime, DockerRuntime):
            await tools.runtime.close()
        log.info("agent stopped; previews keep running")

    def _tools(self, runtime: Runtime, reports: BusReports, bus: Bus) -> Tools:
        builder, images = choose(self._settings, runtime)
        return Tools(
            agent=bus.agent,
            directory=self._directory,
            runtime=runtime,
            checkouts=self._checkouts,
            credentials=BusCredentials(bus, self._identity.unseal),
            read_recipe=partial(read_recipe, compose=Compose.installed()),
            builder=builder,
            images=images,
            reports=reports,
            logs=LogShipping(reports, Shares(self._settings.galley_log_mb_per_hour * 1_000_000)),
            variables=BusVariables(bus, self._identity.unseal),
            registries=BusRegistryLogins(bus, self._identity.unseal),
            build_queue=BuildQueue(self._settings.galley_max_parallel_builds),
            defaults=Resources(
                cpus=self._settings.galley_default_cpus, memory_mb=self._settings.galley_default_memory
            ),
            most=Resources(cpus=self._settings.galley_max_cpus, memory_mb=self._settings.galley_max_memory),
            total=Resources(
                cpus=self._settings.galley_max_preview_cpus,
                memory_mb=self._settings.galley_max_preview_memory,
            ),
            min_free_mb=self._settings.galley_min_free_mb,
            kept=images.kept if isinstance(images, DockerImages) else None,
            disks=DiskWatch(
                runtime, owned_by(bus.agent), self._directory, most_mb=self._settings.galley_max_preview_disk
            ),
            ways=self._ways(runtime),
            egress=self._settings.galley_preview_egress,
        )

    def _ways(self, runtime: Runtime) -> Ways:
        """Bare processes listen on the loopback, where nobody from elsewhere gets."""
        address = self._settings.galley_agent_address
        if not address or not isinstance(runtime, DockerRuntime):
            return Direct()
        wanted, kept = self._settings.galley_firewall, self._directory / "doors.json"
        return Doors(address, self._settings.visitors, kept, wanted=wanted)

    async def _keep_house(
        self, tools: Tools, environments: Environments, policies: Evaluations, followers: Followers
    ) -> None:
        prunes: list[Prune] = [
            lambda days: self._checkouts.prune(days, environments.commits),
            policies.prune,
            followers.prune,
        ]
        if isinstance(tools.builder, BuildahBuilder | BuildKitBuilder):
            prunes.append(tools.builder.prune)
        budgets = self._budgets(tools)
        if tools.kept is not None:
            prunes.append(tools.kept.prune)
        await environments.known()  # before that, it is unknown what is not desired, and nothing is built
        days, floor = self._settings.galley_cache_days, self._settings.galley_min_free_mb
        await Housekeeping(self._directory, prunes, days, floor, budgets).run()

    def _budgets(self, tools: Tools) -> list[Callable[[], Awaitable[None]]]:
        """What keeps caches to what they may hold."""
        settings, caches = self._settings, self._settings.build_cache_directory

        async def builds() -> None:
            if isinstance(tools.builder, BuildahBuilder) and caches.is_dir():
                await tools.builder.shrink(Share.of(settings.galley_max_build_cache).bytes_of(caches))
            tools.load.caches_mb = await asyncio.to_thread(self._caches)

        async def images() -> None:
            if tools.kept is not None:
                await tools.kept.shrink(Share.of(settings.galley_max_pulled_images).bytes_of(self._directory))

        return [builds, images]

    def _caches(self) -> dict[str, int]:
        """Megabytes that the agent's own caches hold, by kind."""
        folders = {
            DiskKind.BUILD_CACHE: self._settings.build_cache_directory,
            DiskKind.GIT: self._directory / "git",
        }
        return {kind.value: held_below(folder) // 1024**2 for kind, folder in folders.items()}

    def _sandbox_image(self, tools: Tools) -> ImageSource | None:
        if not isinstance(tools.runtime, DockerRuntime) or not isinstance(tools.images, DockerImages):
            return None
        caches, given = self._settings.build_cache_directory, self._settings.gitgrit_sandbox_image
        return sandbox_image(tools.runtime.engine, tools.images, caches, given)

    def _camera(self, tools: Tools) -> Camera | None:
        name = self._settings.galley_browser_image
        if (
            not name
            or not isinstance(tools.runtime, DockerRuntime)
            or not isinstance(tools.images, DockerImages)
        ):
            return None
        return Camera(tools.runtime.engine, BrowserImage(tools.images, name), tools.agent)

    def _evaluations(
        self, tools: Tools, bus: Bus, image: ImageSource | None, harbour: Harbour
    ) -> Evaluations:
        runtime = tools.runtime
        return evaluations(
            agent=tools.agent,
            directory=self._directory,
            engine=runtime.engine if isinstance(runtime, DockerRuntime) else None,
            image=image,
            jobs=Jobs(bus),
            checkouts=tools.checkouts,
            credentials=tools.credentials,
            reports=tools.reports,
            harbour=harbour,
            previews=tools.previews,
            visits=BusVisits(bus),
            require_gvisor=self._settings.gitgrit_require_gvisor,
        )

    def _harbour(self, bus_url: str) -> Harbour:
        settings = self._settings
        return Harbour(
            network=settings.sandbox_network,
            servers=settings.resolvers,
            authorities=settings.gitgrit_custom_ca_file_path,
            closed=addresses_of_urls(servers(bus_url)),
            firewall=settings.galley_firewall,
        )

    def _survey(self, tools: Tools, image: ImageSource | None, builder: BuilderWatch | None) -> Survey:
        settings, runtime = self._settings, tools.runtime
        sandboxing = None
        if image is not None and isinstance(runtime, DockerRuntime):
            sandboxing = Sandboxing(runtime.engine, image, Lookouts(runtime.engine, tools.agent))
        return Survey(
            sandboxing, network=settings.sandbox_network, servers=settings.resolvers, builder=builder
        )

    def _host_lines(self, tools: Tools, builder: BuilderWatch | None) -> HostLines | None:
        if builder is None or not isinstance(tools.runtime, DockerRuntime):
            return None
        return HostLines(
            agent=tools.agent,
            directory=self._directory,
            runtime=tools.runtime,
            images=tools.images if isinstance(tools.images, DockerImages) else None,
            full=lambda: full(self._directory, tools.min_free_mb),
            builder=lambda: builder.now,
            caches=self._settings.build_cache_directory,
            isolation=self._settings.galley_build_isolation,
            programs=PACKAGES,  # with BuildKit as well: images are pulled, and stand-ins made, with buildah
        )

    async def _heartbeat(
        self,
        tools: Tools,
        environments: Environments,
        policies: Evaluations,
        builder: BuilderWatch | None,
        host: HostLines | None,
    ) -> Heartbeat:
        return Heartbeat(
            release=__version__,
            runtime=tools.runtime.name,
            sandbox=policies.isolation,
            python=policies.python,
            sandbox_problem=policies.problem,
            sandbox_problem_seconds=policies.problem_seconds,
            contains_forks=host.contains_forks if host is not None else False,
            environments=environments.count,
            builds=tools.build_queue.building,
            builds_at_once=tools.build_queue.at_once,
            sandboxes_warm=policies.sandboxes_warm,
            sandboxes_used=policies.sandboxes_used,
            build_queue=tools.build_queue.waiting[:MOST_QUEUED],
            disk=disk_of(tools),
            warnings=[
                *tools.load.warnings.values(),
                *tools.runtime.warnings,
                *tools.ways.warnings,
                *policies.warnings,
                *(builder.warnings if builder is not None else ()),
                *full(self._directory, tools.min_free_mb),
            ],
            host=host.now if host is not None else [],
            **measured(self._directory),
        )


def surveys(bus: Bus, survey: Survey) -> Answering[AskHost]:
    """What answers questions about this host."""

    async def answer(asked: AskHost) -> list[Message]:
        return [await survey.report(asked)]

    subject = subjects.ask_host(bus.agent)
    return Answering(bus, Asked("this host", subject, AskHost, answer, hosts.ANSWER_SECONDS))


async def screenshots(bus: Bus, camera: Camera | None, environments: Environments) -> None:
    """Runs for ever: answers questions for screenshots."""
    subject, taking = subjects.ask_screenshot(bus.agent), Screenshots(camera, environments)
    answering = Answering(bus, Asked("a screenshot", subject, AskScreenshot, taking.answer, ANSWER_SECONDS))
    if camera is None:
        return await answering.run()
    try:
        await camera.prepare()
        await answering.run()
    finally:
        await camera.close()


def disk_of(tools: Tools) -> dict[str, int]:
    """Megabytes that each kind holds, as it was last looked at."""
    kinds = tools.disks.kinds if tools.disks is not None else {}
    return {**{kind: held // 1024**2 for kind, held in kinds.items()}, **tools.load.caches_mb}


def watch(tools: Tools) -> BuilderWatch | None:
    """What looks at the builder; None where bare processes run."""
    known = tools.builder
    return BuilderWatch(known.facts) if isinstance(known, BuildahBuilder | BuildKitBuilder) else None


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
