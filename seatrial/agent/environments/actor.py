"""One environment, converged step by step. Every environment has its own actor; nothing is shared but Tools."""

import asyncio
import contextlib
import time
from dataclasses import replace
from functools import partial

import structlog
from structlog.contextvars import bind_contextvars

from seatrial.agent.environments import planner
from seatrial.agent.environments.admission import Admission, Remind
from seatrial.agent.environments.data import Marks, empty
from seatrial.agent.environments.launch import Planned
from seatrial.agent.environments.names import Names
from seatrial.agent.environments.observing import Observer
from seatrial.agent.environments.planner import Host, Progress, Step, plan
from seatrial.agent.environments.recovery import Recovery
from seatrial.agent.environments.removal import (
    forget_files,
    look,
    remove_deployment,
    remove_everything,
    stop,
)
from seatrial.agent.environments.rollout import Rollout
from seatrial.agent.environments.snapshots import Snapshots
from seatrial.agent.environments.startup import Launched
from seatrial.agent.environments.tools import Tools
from seatrial.agent.environments.viewing import Viewed
from seatrial.agent.logs.following import Followers
from seatrial.agent.vocabulary.containers import Container, Resources
from seatrial.agent.vocabulary.errors import AgentError, RuntimeUnavailable, StartError
from seatrial.agent.vocabulary.labels import DEPLOYMENT, FINGERPRINT
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment, EnvironmentRemoved
from seatrial.wire.snapshots import SnapshotSaved

log = structlog.get_logger(__name__)

REPORT_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
PATIENCE_SECONDS = 300.0  # how long the engine may not answer before the candidate fails
MAX_PASSES = 6  # per wake-up, so that a step without effect is not repeated endlessly


class EnvironmentActor:
    """Converges one environment, level-triggered: `want` and `wake` only set state; `run` compares and acts, and ends
    when everything is removed.

    Steps are taken one after the other. The two long ones (starting a candidate, repairing the live deployment) run
    beside the loop, at most one of each, and are cancelled when they are no longer wanted.
    """

    def __init__(self, tools: Tools, followers: Followers, environment: str) -> None:
        self._tools = tools
        self._followers = followers
        self.environment = environment
        self._desired: DesiredEnvironment | None = None
        self._observer = Observer(tools, followers, environment)
        self._recovery = Recovery(tools.runtime, self.wake)
        self._progress = Progress()
        self._launched: dict[str, Launched] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: tuple[str, Rollout, float] | None = None  # the last candidate that was told of, and when
        self._durable_lock = asyncio.Lock()
        self._admission = Admission()
        self._woken = asyncio.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._workspace = ""
        self._unreachable_since: float | None = None
        self._not_saved: dict[str, str] = {}  # snapshots, and why they cannot be saved

    def want(self, desired: DesiredEnvironment | None) -> None:
        """Set the desired state (None: nothing desired). A revision older than the known one is ignored."""
        known = self._desired
        if desired is not None and known is not None and desired.revision < known.revision:
            return
        self._desired = desired
        self._admission.look(desired)
        self._workspace = desired.workspace if desired else self._workspace
        self.wake()

    @property
    def wanted(self) -> bool:
        """Whether the environment should exist."""
        return self._desired is not None

    @property
    def commits(self) -> set[str]:
        """The commits of the desired deployments."""
        deployments = (self._desired.live, self._desired.candidate) if self._desired else ()
        return {deployment.commit for deployment in deployments if deployment is not None}

    async def viewed(self, deployment: str) -> Viewed | None:
        """What visitors of this deployment would reach now; None unless it is live here and runs."""
        desired, launched = self._desired, self._launched.get(deployment)
        live = desired.live if desired is not None and desired.running else None
        if desired is None or launched is None or live is None or live.id != deployment:
            return None
        host = await look(self._tools, self.environment)
        services = launched.observed(desired.name, {one.name: one for one in host.containers})
        return Viewed(launched.launch.network, launched.launch.isolation, desired.address, services)

    def wake(self) -> None:
        """Compare again, because something changed on the host."""
        self._woken.set()

    def report_again(self) -> None:
        """Report the running services again, because an earlier report may be lost: the bus was unavailable."""
        self._observer.report_again()
        self.wake()

    async def run(self) -> None:
        """Converge until the environment is no longer wanted and is gone."""
        bind_contextvars(environment=self.environment)
        try:
            while True:
                self._woken.clear()
                try:
                    if await self._converge():
                        return
                    wait, self._pause = self._quiet_time(), FIRST_PAUSE_SECONDS
                except AgentError as error:
                    log.warning("environment waits", environment=self.environment, problem=str(error))
                    wait, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
        finally:
            await self._end_tasks()

    async def _converge(self) -> bool:
        """Take steps until none is left; True when the environment is gone for good."""
        for _ in range(MAX_PASSES):
            desired = self._desired
            launched = dict(
                self._launched
            )  # deployments that come up later are not compared with this snapshot
            host = await look(self._tools, self.environment)
            steps = plan(desired, host, self._progress, time.monotonic())
            for step in steps:
                await self._take(step, host)
            if not steps:
                break
        if self._desired is None and host.empty and not self._tasks:
            self._progress, self._launched = (
                Progress(),
                {},
            )  # if it is wanted again meanwhile, it starts from scratch
            # An empty folder does not count as something left, but the next look would find it again.
            await forget_files(self._tools, self.environment)
            await self._tools.ways.keep(self.environment, ())
            self._tools.logs.masks.forget(self.environment)
            await self._tools.reports.observed(
                EnvironmentRemoved(environment=self.environment),
                workspace=self._workspace,
                about=f"environment/{self.environment}",
            )
            log.info("environment removed", environment=self.environment)
            return self._desired is None
        if self._desired is not None and self._desired.running:  # else nothing serves
            live = self._desired.live
            if live is not None and live.id in launched:
                self._recovery.look(launched[live.id], host)
            await self._observer.observe(self._desired, host, launched)
            await self._tell_again(self._desired)
        return False

    async def _tell_again(self, desired: DesiredEnvironment) -> None:
        """How the candidate ended, as long as it is one: whoever desires it may not have heard."""
        if self._ended is None or desired.candidate is None or desired.candidate == desired.live:
            return
        deployment, rollout, told = self._ended
        if deployment == desired.candidate.id and time.monotonic() - told >= REPORT_SECONDS:
            self._ended = (deployment, rollout, time.monotonic())
            await rollout.tell_again()

    async def _take(self, step: Step, host: Host) -> None:
        match step:
            case planner.Cancel(deployment):
                await self._cancel(deployment)
            case planner.Attempt(deployment):
                self._begin(deployment, attempt=True)
            case planner.Repair(deployment):
                self._begin(deployment, attempt=False)
            case planner.StartAgain(planned, container):
                await self._start_again(planned, container)
            case planner.Halt() | planner.Pause() | planner.GoOn():
                await self._rest(step)
            case planner.Drain(deployment):
                self._drain(deployment)
            case planner.RemoveDeployment(deployment):
                await self._remove(deployment, host)
            case planner.RemoveContainer(name):
                await self._tools.runtime.remove(name)
                self._followers.forget(name)
            case planner.RemoveImage(reference):
                await self._tools.runtime.remove_image(reference)
            case planner.Save() | planner.EmptyData():
                await self._with_data(step, host)
            case planner.RemoveEverything():
                await remove_everything(self._tools, self.environment)
                for container in host.containers:
                    self._followers.forget(container.name)

    async def _with_data(self, step: planner.Save | planner.EmptyData, host: Host) -> None:
        if isinstance(step, planner.Save):
            await self._save(step.snapshot, host)
        else:
            await self._empty_data(step.data, host)

    async def _save(self, snapshot: str, host: Host) -> None:
        """A save that failed is not tried again: the containers would be paused each time."""
        assert self._desired is not None
        names = Names.of(self._tools.agent, self._desired)
        snapshots = Snapshots(self._tools.runtime, self._tools.copy_image)
        reflinked = False
        try:
            if snapshot not in self._not_saved:
                async with self._durable_lock:
                    reflinked = (await snapshots.save(names, snapshot, host.containers)).reflinked
        except RuntimeUnavailable:
            raise
        except (AgentError, TimeoutError) as error:
            self._not_saved[snapshot] = str(error) or "copying took too long"
            await empty(self._tools.runtime, names.agent, snapshot)
        self._update(saved={snapshot: time.monotonic() + REPORT_SECONDS})
        told = SnapshotSaved(
            environment=self.environment,
            snapshot=snapshot,
            problem=self._not_saved.get(snapshot, ""),
            reflinked=reflinked,
        )
        await self._tools.reports.observed(told, workspace=self._workspace, about=f"snapshot/{snapshot}")

    async def _empty_data(self, generation: int, host: Host) -> None:
        """What says that it is done comes last, so that it is done again if this is cut off."""
        assert self._desired is not None
        await empty(self._tools.runtime, self._tools.agent, self.environment)
        for container in host.containers:
            self._followers.forget(container.name)
        names = Names.of(self._tools.agent, self._desired)
        await Marks(self._tools.runtime, names).set_generation(generation)
        log.info("data emptied", environment=self._desired.name, generation=generation)

    async def _rest(self, step: planner.Halt | planner.Pause | planner.GoOn) -> None:
        if isinstance(step, planner.Halt):
            await stop(self._tools, step.containers)
            return
        runtime = self._tools.runtime
        change = runtime.pause if isinstance(step, planner.Pause) else runtime.unpause
        for container in step.containers:
            await change(container.name)

    async def _start_again(self, planned: Planned, container: Container) -> None:
        """Like a repair, with the container's own fingerprint, so that it stays what it is."""
        name = planned.spec.name
        self._update(started_again={**self._progress.started_again, name: time.monotonic()})
        label = {FINGERPRINT: container.labels.get(FINGERPRINT, "")}
        try:
            await self._tools.runtime.start(replace(planned.spec, labels={**planned.spec.labels, **label}))
        except StartError as error:
            log.warning("service not started again", container=name, problem=str(error))

    def _begin(self, deployment: DesiredDeployment, *, attempt: bool) -> None:
        desired = self._desired
        if desired is None or deployment.id in self._tasks:
            return
        if attempt:
            self._update(attempt=deployment.id)
            coroutine = self._attempt(desired, deployment)
        else:
            self._update(repair=deployment.id)
            coroutine = self._repair(desired, deployment)
        self._tasks[deployment.id] = asyncio.create_task(coroutine)

    def _rollout(self, desired: DesiredEnvironment, deployment: DesiredDeployment) -> Rollout:
        return Rollout(
            self._tools,
            self._followers,
            desired,
            deployment,
            self._durable_lock,
            partial(self._let_in, deployment.id),
        )

    async def _let_in(self, deployment: str, needs: Resources, remind: Remind) -> None:
        self._update(waiting=self._progress.waiting | {deployment})
        self.wake()
        try:
            await self._admission.wait(deployment, needs, remind)
        finally:
            self._update(waiting=self._progress.waiting - {deployment})

    async def _attempt(self, desired: DesiredEnvironment, deployment: DesiredDeployment) -> None:
        bind_contextvars(deployment=deployment.id)
        rollout = self._rollout(desired, deployment)
        try:
            launched = await rollout.bring_up(silent=False)
            await rollout.tell_ready(launched)
            self._ended = (deployment.id, rollout, time.monotonic())
            self._came_up(launched)
            self._update(ready=self._progress.ready | {deployment.id})
        except RuntimeUnavailable as error:
            if self._unreachable_for() < PATIENCE_SECONDS:
                log.warning("candidate waits for the engine", deployment=deployment.id, problem=str(error))
                self._update(attempt_after=time.monotonic() + 2)
            else:
                await self._fail(rollout, deployment, error)
        except AgentError as error:
            await self._fail(rollout, deployment, error)
        except Exception as error:
            log.exception("deployment broke the agent", deployment=deployment.id)
            broken = AgentError(f"the agent failed: {type(error).__name__}: {error}")
            await self._fail(rollout, deployment, broken)
        finally:
            self._tasks.pop(deployment.id, None)
            self._update(attempt=None)
            self.wake()

    async def _fail(self, rollout: Rollout, deployment: DesiredDeployment, error: AgentError) -> None:
        """Mark the candidate as failed even if the report is lost: a candidate is attempted only once."""
        if not isinstance(error, RuntimeUnavailable):
            self._unreachable_since = None
        try:
            await rollout.fail(error)
        except Exception:
            log.exception("failure not told", deployment=deployment.id)
        finally:
            self._ended = (deployment.id, rollout, time.monotonic())
            self._update(failed=self._progress.failed | {deployment.id})

    def _unreachable_for(self) -> float:
        if self._unreachable_since is None:
            self._unreachable_since = time.monotonic()
        return time.monotonic() - self._unreachable_since

    async def _repair(self, desired: DesiredEnvironment, deployment: DesiredDeployment) -> None:
        bind_contextvars(deployment=deployment.id)
        rollout = self._rollout(desired, deployment.model_copy(update={"no_cache": False}))
        try:
            challenged = planner.challenged(desired, self._progress)
            self._came_up(await rollout.bring_up(silent=True, replace_durable=not challenged))
            self._update(repair_after=0.0)
        except Exception as error:
            # Never give up: a deployment that was live once is wanted until the control plane says otherwise.
            log.warning("live deployment not repaired yet", deployment=deployment.id, problem=str(error))
            if not isinstance(error, RuntimeUnavailable):
                self._unreachable_since = None
            self._came_up_partly(rollout.so_far)
            self._update(repair_after=time.monotonic() + 10)
        finally:
            self._tasks.pop(deployment.id, None)
            self._update(repair=None)
            self.wake()

    def _came_up(self, launched: Launched) -> None:
        self._unreachable_since = None
        self._launched[launched.launch.deployment] = launched
        self._update(launches={**self._progress.launches, launched.launch.deployment: launched.launch})

    def _came_up_partly(self, launched: Launched | None) -> None:
        """Keep the ports, and so the routes, of services that were healthy before but were not reached this time."""
        if launched is None:
            return
        known = self._launched.get(launched.launch.deployment)
        well = {**(known.well if known else {}), **launched.well}
        self._launched[launched.launch.deployment] = Launched(launched.launch, well)

    async def _cancel(self, deployment: str) -> None:
        task = self._tasks.pop(deployment, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        now = self._progress  # a task that was cancelled before it started did not clean up after itself
        live = self._desired.live if self._desired else None
        served = live is not None and live.id == deployment  # it is only not to run now
        self._update(
            discarded=now.discarded if served else now.discarded | {deployment},
            attempt=None if now.attempt == deployment else now.attempt,
            repair=None if now.repair == deployment else now.repair,
        )

    def _drain(self, deployment: str) -> None:
        seconds = self._desired.drain_seconds if self._desired else 0.0
        self._update(drains={**self._progress.drains, deployment: time.monotonic() + seconds})

    async def _remove(self, deployment: str, host: Host) -> None:
        gently = deployment in self._progress.drains
        names = {c.name for c in host.containers if c.labels.get(DEPLOYMENT) == deployment}
        await remove_deployment(self._tools, self.environment, deployment, gently=gently)
        await self._followers.settle(names, 1.0)
        await self._tools.logs.flush(deployment)
        for name in names:
            self._followers.forget(name)
        self._launched.pop(deployment, None)
        launches = {key: value for key, value in self._progress.launches.items() if key != deployment}
        self._update(launches=launches)

    def _update(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]

    def _quiet_time(self) -> float:
        """Seconds for which nothing needs to be done unless something changes."""
        now = time.monotonic()
        times = [*self._progress.drains.values(), self._progress.repair_after, self._progress.attempt_after]
        return min([REPORT_SECONDS, *(max(0.05, at - now) for at in times if at > now)])

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._recovery.close()
