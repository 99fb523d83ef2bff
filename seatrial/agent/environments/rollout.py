"""Bringing one deployment up, from its commit to healthy services."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import structlog

from seatrial.agent.environments.admission import Remind
from seatrial.agent.environments.data import empty, half_seeded
from seatrial.agent.environments.facts import with_facts
from seatrial.agent.environments.launch import Launch, Planned
from seatrial.agent.environments.names import Names
from seatrial.agent.environments.phases import Phases
from seatrial.agent.environments.preparing import Preparation
from seatrial.agent.environments.removal import remove_deployment
from seatrial.agent.environments.snapshots import Snapshots, is_begun
from seatrial.agent.environments.startup import Launched, Startup, lay_network
from seatrial.agent.environments.tools import Tools
from seatrial.agent.logs.following import Followers
from seatrial.agent.logs.shipping import Channel
from seatrial.agent.vocabulary.containers import Container, Resources
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.logs import first_words
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentReady,
    DesiredDeployment,
    DesiredEnvironment,
)
from seatrial.wire.envelope import Message
from seatrial.wire.logs import LogLine
from seatrial.wire.words import SYSTEM_SERVICE, LogSource, Phase

log = structlog.get_logger(__name__)

LAST_LINES_SECONDS = 1.0
MOST_OF_A_MESSAGE = 4_000
NOT_HERE = "the project's snapshot of data is not on this agent: the data begins as without one, with what its seed fills in"
LetIn = Callable[
    [Resources, Remind], Awaitable[None]
]  # returns when the services, which need so much, may start


class Rollout:
    """One attempt at one deployment. Idempotent, so after a crash it is simply repeated."""

    def __init__(
        self,
        tools: Tools,
        followers: Followers,
        desired: DesiredEnvironment,
        deployment: DesiredDeployment,
        durable_lock: asyncio.Lock,
        let_in: LetIn,
    ) -> None:
        self._tools = tools
        self._followers = followers
        self._desired = desired
        self._deployment = deployment
        self._durable_lock = durable_lock
        self._let_in = let_in
        self._containers: set[str] = set()
        self._outcome: DeploymentReady | DeploymentFailed | None = None
        self.so_far: Launched | None = None  # grows while services become healthy; kept if one does not

    async def bring_up(self, *, silent: bool, replace_durable: bool = True) -> Launched:
        """Bring the deployment up; nothing of it starts before it is let in. `silent`: this is a repair (see Startup); without `replace_durable`, services that keep
        data stay as they are, even if a candidate replaced them. Raises AgentError."""
        try:
            return await self._bring_up(silent=silent, replace_durable=replace_durable)
        finally:
            if self._tools.kept is not None:
                self._tools.kept.release(self._deployment.id)

    async def _bring_up(self, *, silent: bool, replace_durable: bool) -> Launched:
        phases = Phases(
            self._tools.reports,
            self._desired.workspace,
            self._desired.environment,
            self._deployment.id,
            silent=silent,
        )
        preparation = Preparation(self._tools, self._desired, self._deployment, phases)
        names = Names.of(self._tools.agent, self._desired)
        if silent:
            launch = await preparation.run()
        else:
            launch = await self._let_in_when_prepared(names, preparation)
            launch = await self._with_whole_data(names, launch)
            launch = await self._cloned(names, launch, phases)
        startup = Startup(
            self._tools.runtime,
            names,
            launch,
            phases,
            self._on_started,
            self._durable_lock,
            repair=silent,
            replace_durable=replace_durable,
        )
        self.so_far = startup.launched
        with self._tools.previews.disturbed():
            return await startup.run()

    async def _let_in_when_prepared(self, names: Names, preparation: Preparation) -> Launch:
        """While images are built, it is let in, and its network is made."""
        entering = asyncio.create_task(self._enter(names, preparation))
        try:
            with self._tools.previews.disturbed():
                launch = await preparation.run()
            await entering
            return launch
        finally:
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)

    async def _enter(self, names: Names, preparation: Preparation) -> None:
        walls = await preparation.walls()
        await self._let_in(preparation.needs, preparation.tell_needs)
        with contextlib.suppress(AgentError):  # it is made again when services start, which then says why not
            await lay_network(self._tools.runtime, names, self._deployment.id, walls.egress)

    async def _with_whole_data(self, names: Names, launch: Launch) -> Launch:
        """Empty data of which a seed has left the half, unless a live deployment uses it: then the launch has a warning."""
        runtime = self._tools.runtime
        half = await half_seeded(runtime, names, launch)
        if half and self._desired.live is None:
            await self._say(f"The seed of {', '.join(half)} did not end, so the data is emptied first.")
            async with self._durable_lock:
                await empty(runtime, names.agent, names.environment, keep_generation=True)
        elif half:
            left = f"the seed of {', '.join(half)} ran on what an earlier one, which did not end, had left. Reset the data to begin anew"
            return replace(launch, warnings=(*launch.warnings, left))
        return launch

    async def _cloned(self, names: Names, launch: Launch, phases: Phases) -> Launch:
        """Begin with a copy of the project's snapshot, if there is one and the environment has no data yet."""
        runtime, template = self._tools.runtime, self._desired.template
        if not template or await is_begun(runtime, names):
            return launch
        snapshots = Snapshots(runtime, self._tools.copy_image)
        saved = await snapshots.find(names.agent, template)
        if saved is None:
            return replace(launch, warnings=(*launch.warnings, NOT_HERE))
        async with self._durable_lock, phases.phase(Phase.CLONE):
            await empty(runtime, names.agent, names.environment, keep_generation=True)
            reflinked = await snapshots.clone(names, saved)
        how = "its files share their bytes until they are changed" if reflinked else "byte by byte"
        return replace(
            launch, notes=(*launch.notes, f"the data began as a copy of the project's snapshot, {how}")
        )

    async def tell_ready(self, launched: Launched) -> None:
        """Report that the route may be switched."""
        containers = [await self._tools.runtime.get(p.spec.name) for p in launched.launch.services]
        by_name = {container.name: container for container in containers if container}
        for text in [*launched.warnings, *launched.notes]:
            await self._say(text)
        services = await with_facts(
            self._tools.runtime, launched, launched.observed(self._desired.name, by_name), by_name
        )
        ready = DeploymentReady(
            environment=self._desired.environment,
            deployment=self._deployment.id,
            services=await self._tools.ways.open(self._desired.environment, services),
            isolation=launched.launch.isolation,
            warnings=self._all_masked(launched.warnings),
            notes=self._all_masked(launched.notes),
        )
        await self._tell(ready)
        log.info("deployment ready", environment=self._desired.name, deployment=self._deployment.id)

    async def fail(self, error: AgentError) -> None:
        """Send the last log lines, remove the services that were started, then report the failure."""
        where = {"environment": self._desired.name, "deployment": self._deployment.id}
        message = first_words(self._masked(str(error)), MOST_OF_A_MESSAGE)
        log.warning("deployment failed", **where, reason=error.reason, problem=message)
        await self._say(message)
        await self._followers.settle(self._containers, LAST_LINES_SECONDS)
        await self._tools.logs.flush(self._deployment.id)
        try:
            await remove_deployment(self._tools, self._desired.environment, self._deployment.id, gently=False)
        except AgentError as trouble:  # the environment's next reconcile removes it
            log.warning("clean-up waits", **where, problem=str(trouble))
        await self._tell(
            DeploymentFailed(
                environment=self._desired.environment,
                deployment=self._deployment.id,
                reason=error.reason,
                message=message,
                service=error.service,
                log_tail=[self._masked(line)[:2_000] for line in error.log_tail[-50:]],
                warnings=self._all_masked(self.so_far.warnings if self.so_far else []),
                notes=self._all_masked(self.so_far.notes if self.so_far else []),
            )
        )

    async def tell_again(self) -> None:
        """Report once more how it ended, in the same words: a report may be lost on its way, and nothing else ends the wait."""
        if self._outcome is not None:
            await self._report(self._outcome)

    async def _tell(self, outcome: DeploymentReady | DeploymentFailed) -> None:
        self._outcome = outcome
        await self._report(outcome)

    def _masked(self, text: str) -> str:
        return self._tools.logs.masks.masked(self._desired.environment, text)

    def _all_masked(self, texts: Iterable[str]) -> list[str]:
        return [self._masked(text) for text in texts]

    async def _on_started(self, planned: Planned, container: Container) -> None:
        self._containers.add(container.name)
        self._followers.follow(container.name, self._channel(planned.service.name))

    async def _say(self, text: str) -> None:
        await self._tools.logs.write(
            self._channel(SYSTEM_SERVICE), LogLine(source=LogSource.SYSTEM, text=text)
        )

    def _channel(self, service: str) -> Channel:
        return Channel(self._desired.workspace, self._desired.environment, self._deployment.id, service)

    async def _report(self, message: Message) -> None:
        await self._tools.reports.observed(
            message, workspace=self._desired.workspace, about=f"deployment/{self._deployment.id}"
        )
