"""Takes evaluations from the queue, runs them, and reports their results."""

import asyncio
import contextlib
import time

import structlog
from structlog.contextvars import bound_contextvars

from seatrial.agent.bus.reports import Reports
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.facts.gathering import Gathering
from seatrial.agent.sandboxes.jobs import RETRY_SECONDS, TRIES, Job, Jobs, kept_alive
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.on_commit import OnCommit
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.trials import Trials
from seatrial.agent.sandboxes.validation import fitting
from seatrial.agent.vocabulary.credentials import Credentials, CredentialSource
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.tree import Checkouts
from seatrial.agent.vocabulary.visits import Visits, nobody
from seatrial.wire.digests import digest_of
from seatrial.wire.envelope import Message
from seatrial.wire.evaluations import (
    EvaluationFinished,
    EvaluationStarted,
    PolicyResult,
    RunEvaluation,
    verdict,
)
from seatrial.wire.states import EvaluationState, Isolation
from seatrial.wire.trials import RunTrial

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS = 60.0  # between two checks whether better isolation has become available
MAX_PAUSE_SECONDS = 60.0


class Evaluations:
    """Runs policy evaluations, `parallel` at a time.

    A job is acknowledged once its EvaluationFinished is stored or queued, and kept alive until then: if this agent dies,
    another one takes over. Running a job twice is harmless. Without a sandbox (`isolation` None, `problem` says why) no
    job is taken, so that an agent with a sandbox may take it, and preparation is retried.
    """

    def __init__(
        self,
        jobs: Jobs,
        checkouts: Checkouts,
        credentials: CredentialSource,
        reports: Reports,
        pool: Pool,
        memo: Memo,
        gathering: Gathering | None = None,
        *,
        parallel: int = 2,
        visits: Visits = nobody,
    ) -> None:
        self._isolation: Isolation | None = None
        self._warnings: list[str] = ["the policy sandbox is being prepared"]
        self._unprepared_since: float | None = None  # when preparing first failed
        self._jobs = jobs
        self._credentials = credentials
        self._reports = reports
        self._pool = pool
        self._memo = memo
        self._on_commit = OnCommit(checkouts, pool, memo, gathering, visits=visits)
        self._gathering = gathering
        self._parallel = parallel
        self._trials = Trials(self.results, credentials, reports, pool)

    @property
    def isolation(self) -> Isolation | None:
        """The isolation of policies here; None while they cannot run."""
        return None if self._pool.problem else self._isolation

    @property
    def sandboxes_warm(self) -> int:
        """How many sandboxes wait for an evaluation."""
        return self._pool.warm

    @property
    def sandboxes_used(self) -> int:
        """In how many sandboxes policies run now."""
        return self._pool.used

    @property
    def python(self) -> str:
        """The version of Python that policies run with here; empty while they cannot run."""
        return self._pool.backend.python if self.isolation else ""

    @property
    def warnings(self) -> list[str]:
        """Warnings for people."""
        problems = [self._pool.problem] if self._pool.problem else []
        return [*self._warnings, *problems, *self._pool.berths.warnings]

    @property
    def problem(self) -> str:
        """Why no job is taken; empty while jobs are taken or the sandbox is first prepared."""
        return "" if self._unprepared_since is None else self._warnings[0]

    @property
    def problem_seconds(self) -> float:
        """How long the problem has lasted."""
        return 0.0 if self._unprepared_since is None else time.monotonic() - self._unprepared_since

    async def prune(self, unused_days: float) -> None:
        """Delete remembered results that are too old to be used again."""
        await self._memo.prune(unused_days)

    async def run(self) -> None:
        """Prepare, then serve until cancelled; when it returns, every sandbox is gone."""
        await self._prepare()
        facts = self._gathering.running() if self._gathering else contextlib.nullcontext()
        async with self._pool.running(), facts, self._trials.running(), asyncio.TaskGroup() as group:
            group.create_task(self._look_again(), name="look for gVisor")
            group.create_task(self._look_for_network(), name="look for SANDBOX_NETWORK")
            for number in range(self._parallel):
                group.create_task(self._serve(), name=f"evaluations {number}")

    async def evaluate(self, command: RunEvaluation) -> EvaluationFinished:
        """All results of one evaluation; errors are part of the answer. Raises SandboxError without a sandbox."""
        began = time.monotonic()
        isolation = self._pool.backend.isolation
        try:
            credentials = self._credentials.for_evaluation(command.evaluation)
            results = await self.results(command, credentials)
            state, message = verdict(results), ""
        except SandboxError:
            raise
        except AgentError as error:
            results, state, message = [], EvaluationState.ERRORED, str(error)
        except Exception as error:
            log.exception("evaluation broke", evaluation=command.evaluation)
            results, state = [], EvaluationState.ERRORED
            message = f"the agent could not evaluate this: {type(error).__name__}: {error}"
        return EvaluationFinished(
            evaluation=command.evaluation,
            state=state,
            message=message,
            isolation=isolation if results else None,
            python=self._pool.backend.python if results else "",
            results=fitting(results),
            seconds=round(time.monotonic() - began, 3),
            facts=digest_of(command.facts.model_dump(mode="json")),
            program=self._memo.program,
        )

    async def results(self, command: RunEvaluation, credentials: Credentials) -> list[PolicyResult]:
        """See `OnCommit.results`."""
        return await self._on_commit.results(command, credentials)

    async def _prepare(self) -> None:
        pause = 1.0
        while True:
            try:
                self._warnings = await self._pool.backend.prepare()
                self._isolation = self._pool.backend.isolation
                self._unprepared_since = None
                break
            except (
                Exception
            ) as error:  # engine unavailable, no image, no gVisor: all of these may be fixed meanwhile
                self._warnings = [str(error) or type(error).__name__]
                self._unprepared_since = self._unprepared_since or time.monotonic()
                log.warning("policies cannot run here", problem=str(error), again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)
        for warning in self._warnings:
            log.warning(warning)

    async def _look_again(self) -> None:
        while self._isolation is Isolation.CONTAINER:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            try:
                self._warnings = await self._pool.backend.look()
                self._isolation = self._pool.backend.isolation
            except Exception as error:  # the engine is unavailable; the code that needs it reports that
                log.debug("did not look for gVisor", problem=str(error))

    async def _look_for_network(self) -> None:
        while True:
            await self._pool.berths.look()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _serve(self) -> None:
        pause = 1.0
        while True:
            try:
                job = await self._jobs.fetch()
                if job is not None:
                    await self._handle(job)
                pause = 1.0
            except Exception as error:
                log.warning("evaluations: trying again", problem=str(error), again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_SECONDS)

    async def _handle(self, job: Job) -> None:
        command = job.message
        if isinstance(command, RunTrial):
            self._trials.begin(job, command)
            return
        if not isinstance(command, RunEvaluation):
            log.error("not an evaluation", kind=command.kind)
            await job.term()
            return
        with bound_contextvars(evaluation=command.evaluation):
            await self._evaluate(job, command)

    async def _evaluate(self, job: Job, command: RunEvaluation) -> None:
        async with kept_alive(job), self._trials.let_go_first():
            # Reported before anything is fetched: only the agent that runs the evaluation gets a credential.
            await self._report(EvaluationStarted(evaluation=command.evaluation), command)
            try:
                finished = await self.evaluate(command)
            except SandboxError as error:
                # The engine may come back soon, and other agents have engines of their own.
                if job.deliveries < TRIES:
                    log.warning(
                        "no sandbox; the evaluation waits", evaluation=command.evaluation, problem=str(error)
                    )
                    await job.nak(RETRY_SECONDS * job.deliveries)
                    return
                finished = without_sandbox(command, error)
            await self._report(finished, command)
        await job.ack()
        log.info("evaluated", evaluation=command.evaluation, state=finished.state, seconds=finished.seconds)

    async def _report(self, message: Message, command: RunEvaluation) -> None:
        about = f"evaluation/{command.evaluation}"
        await self._reports.observed(message, workspace=command.workspace, about=about)


def without_sandbox(command: RunEvaluation, error: SandboxError) -> EvaluationFinished:
    """The answer after several deliveries in which no sandbox could be started."""
    return EvaluationFinished(
        evaluation=command.evaluation,
        state=EvaluationState.ERRORED,
        message=f"no sandbox for the policies: {error}",
    )
