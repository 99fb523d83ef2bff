"""All environments of this agent: one actor each, the sweep for undesired ones, the engine's events."""

import asyncio
import time

import structlog

from seatrial.agent.environments.actor import EnvironmentActor
from seatrial.agent.environments.names import owned_by
from seatrial.agent.environments.tools import Tools
from seatrial.agent.environments.viewing import Viewed
from seatrial.agent.logs.following import Followers
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import ENVIRONMENT
from seatrial.wire.deployments import DesiredEnvironment

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 60.0
ENGINE_RETRY_SECONDS = 1.0


class Environments:
    """The `DesiredListener` of the bus. Nothing is ever removed before the first full replay."""

    def __init__(self, tools: Tools, followers: Followers, *, orphan_grace_seconds: float) -> None:
        self._tools = tools
        self._followers = followers
        self._grace = orphan_grace_seconds
        self._actors: dict[str, EnvironmentActor] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._desired: set[str] = set()  # and snapshots, which are nobody's to converge
        self._snapshots: set[str] = set()
        self._orphans: dict[str, float] = {}
        self._replayed = asyncio.Event()
        self._sweep_now = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of environments that are desired here."""
        return len(self._desired - self._snapshots)

    async def known(self) -> None:
        """Wait for the first full replay of the desired state since the agent's start."""
        await self._replayed.wait()

    def commits(self) -> set[str]:
        """The commits of all deployments that are desired here."""
        return {commit for actor in self._actors.values() for commit in actor.commits}

    async def viewed(self, environment: str, deployment: str) -> Viewed | None:
        """See `EnvironmentActor.viewed`. Raises AgentError."""
        actor = self._actors.get(environment)
        return await actor.viewed(deployment) if actor is not None else None

    def wanted(self, desired: DesiredEnvironment) -> None:
        """See DesiredListener."""
        self._desired.add(desired.environment)
        self._actor(desired.environment).want(desired)

    def kept(self, snapshot: str) -> None:
        """See DesiredListener."""
        self._desired.add(snapshot)
        self._snapshots.add(snapshot)

    def unwanted(self, environment: str) -> None:
        """See DesiredListener. What is left of an environment or a snapshot carries its id, and is removed the same way."""
        self._desired.discard(environment)
        self._snapshots.discard(environment)
        self._actor(environment).want(None)

    def replayed(self, environments: set[str]) -> None:
        """See DesiredListener."""
        self._desired = set(environments)
        self._replayed.set()
        self._sweep_now.set()
        for actor in self._actors.values():
            actor.report_again()

    def _actor(self, environment: str) -> EnvironmentActor:
        task = self._tasks.get(environment)
        if task is None or task.done():
            actor = EnvironmentActor(self._tools, self._followers, environment)
            self._actors[environment] = actor
            self._tasks[environment] = asyncio.create_task(self._life(actor))
        return self._actors[environment]

    async def _life(self, actor: EnvironmentActor) -> None:
        """Run the actor, and restart it after an exception: its state is on the host, and it keeps its desired state."""
        pause = 1.0
        while True:
            try:
                await actor.run()
            except Exception:
                log.exception("environment broke; trying again", environment=actor.environment)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60.0)
                continue
            if not actor.wanted:  # it may have been wanted again at the last moment
                self._actors.pop(actor.environment, None)
                self._tasks.pop(actor.environment, None)
                return

    async def run(self) -> None:
        """Sweep and listen to the engine until cancelled. May be run again: the actors keep running meanwhile."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep_for_ever())
            group.create_task(self._listen_for_ever())
            if self._tools.disks is not None:
                group.create_task(self._tools.disks.run(self._wake))

    def _wake(self, environment: str) -> None:
        if (actor := self._actors.get(environment)) is not None:
            actor.wake()

    async def close(self) -> None:
        """End the actors. Their containers keep running."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._replayed.wait()
            self._sweep_now.clear()
            try:
                await self._sweep()
            except AgentError as error:
                log.warning("sweep waits", problem=str(error))
            wait = min(SWEEP_SECONDS, self._grace + 0.1) if self._orphans else SWEEP_SECONDS
            try:
                async with asyncio.timeout(wait):
                    await self._sweep_now.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        """After a grace period, remove environments that are on the host or have an actor but are not desired. The grace
        period is for an emptied bus, which the control plane refills within seconds: no preview may be lost meanwhile."""
        now = time.monotonic()
        here = await self._here() | set(self._actors)
        self._orphans = {e: self._orphans.get(e, now) for e in here - self._desired}
        for environment, since in list(self._orphans.items()):
            if now - since >= self._grace:
                log.info("nobody desires this environment; removing it", environment=environment)
                self.unwanted(environment)

    async def _here(self) -> set[str]:
        labels, runtime = owned_by(self._tools.agent), self._tools.runtime
        labelled = [container.labels for container in await runtime.list_containers(labels)]
        for listing in (runtime.list_networks, runtime.list_volumes, runtime.list_images):
            labelled += (await listing(labels)).values()
        builds = self._tools.directory / "builds"
        folders = {entry.name for entry in builds.iterdir()} if builds.is_dir() else set()
        return {label[ENVIRONMENT] for label in labelled if label.get(ENVIRONMENT)} | folders

    async def _listen_for_ever(self) -> None:
        """Wake an environment when its containers change, and all of them when the engine is back."""
        while True:
            try:
                await self._tools.runtime.ping()
                if self._tools.load.warnings.pop("engine", None):
                    log.info("engine is back")
                for actor in list(self._actors.values()):
                    actor.wake()
                async for change in self._tools.runtime.changes(owned_by(self._tools.agent)):
                    touched = self._actors.get(change.labels.get(ENVIRONMENT, ""))
                    if touched is not None:
                        touched.wake()
            except AgentError as error:
                if "engine" not in self._tools.load.warnings:
                    log.warning("engine away", problem=str(error))
                self._tools.load.warnings["engine"] = str(error)
            await asyncio.sleep(ENGINE_RETRY_SECONDS)
