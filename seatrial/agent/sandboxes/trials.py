"""Tries policies: on a commit, as an evaluation would run them, and on the answers of their own tests. Evaluations go first."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog

from seatrial.agent.bus.reports import Reports
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.jobs import RETRY_SECONDS, TRIES, Job, kept_alive
from seatrial.agent.sandboxes.literals import Literals
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.rounds import Round
from seatrial.agent.sandboxes.validation import fitting, judge
from seatrial.agent.vocabulary.credentials import Credentials, CredentialSource
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.envelope import Message
from seatrial.wire.evaluations import PolicyResult, PolicyToRun, RunEvaluation
from seatrial.wire.trials import PolicyOnTrial, PolicyTest, RunTrial, TrialFinished, TrialResult, TrialStarted

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0  # for which a patient trial lets evaluations go first
TESTS_SECONDS = 240.0  # after which no further tests of a trial begin
OUT_OF_TIME = "not run: the tests before it took too long"
OnCommit = Callable[[RunEvaluation, Credentials], Awaitable[list[PolicyResult]]]
Case = tuple[PolicyToRun, PolicyTest]


class Trials:
    """Runs trials beside evaluations, which they never hold up: taking one from the queue never waits.

    One patient and one other trial run at a time; the rest wait here, kept alive in the queue. Patient ones start when no
    evaluation runs, or after PATIENCE_SECONDS. A job is acknowledged once its TrialFinished is stored or queued: if this agent
    dies, another one takes over, and running a trial twice is harmless. `on_commit` gives the results of policies on a commit.
    """

    def __init__(
        self, on_commit: OnCommit, credentials: CredentialSource, reports: Reports, pool: Pool
    ) -> None:
        self._on_commit = on_commit
        self._credentials = credentials
        self._reports = reports
        self._pool = pool
        self._turns = {True: asyncio.Semaphore(1), False: asyncio.Semaphore(1)}  # by whether it is patient
        self._evaluations = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._begun: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """When the block ends, so do all trials; their jobs are given to another agent."""
        try:
            yield
        finally:
            for task in self._begun:
                task.cancel()
            await asyncio.gather(*self._begun, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def let_go_first(self) -> AsyncIterator[None]:
        """An evaluation runs as long as the block does."""
        self._evaluations += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._evaluations -= 1
            if not self._evaluations:
                self._idle.set()

    def begin(self, job: Job, command: RunTrial) -> None:
        """Run it as soon as it is its turn. Returns at once."""
        task = asyncio.create_task(self._take(job, command), name=f"trial {command.trial}")
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def tried(self, command: RunTrial) -> TrialFinished:
        """All results of one trial; errors are part of the answer. Raises SandboxError without a sandbox."""
        began = time.monotonic()
        isolation = self._pool.backend.isolation
        results: list[TrialResult] = []
        message = ""
        try:
            results += await self._of_tests(command.policies)
            results += await self._of_commit(command)
        except SandboxError:
            raise
        except AgentError as error:
            message = str(error)
        except Exception as error:
            log.exception("trial broke", trial=command.trial)
            message = f"the agent could not try this: {type(error).__name__}: {error}"
        return TrialFinished(
            trial=command.trial,
            message=message,
            isolation=isolation if results else None,
            results=_fitting(results),
            seconds=round(time.monotonic() - began, 3),
        )

    async def _of_commit(self, command: RunTrial) -> list[TrialResult]:
        policies = [one.policy for one in command.policies if not one.tests]
        if command.source is None or not policies:
            return []
        asked = RunEvaluation(
            evaluation=command.trial,
            workspace=command.workspace,
            project=command.project,
            repository=command.repository,
            source=command.source,
            commit=command.commit,
            ref=command.ref,
            event=command.event,
            base_commit=command.base_commit,
            number=command.number,
            policies=policies,
            facts=command.facts,
            preview=command.preview,
        )
        said = await self._on_commit(asked, self._credentials.for_trial(command.trial))
        return [TrialResult(result=result) for result in said]

    async def _of_tests(self, policies: Sequence[PolicyOnTrial]) -> list[TrialResult]:
        """The result of every test, in order, however long the others take."""
        cases = [
            (number, (in_test(one.policy, test), test))
            for one in policies
            for number, test in enumerate(one.tests)
        ]
        results: list[TrialResult] = []
        over = time.monotonic() + TESTS_SECONDS
        for first in range(0, len(cases), self._pool.children):
            batch = cases[first : first + self._pool.children]
            outcomes = await self._outcomes([case for _, case in batch], over)
            results += [
                TrialResult(result=judge(policy, outcomes[index]), test=number)
                for index, (number, (policy, _)) in enumerate(batch)
            ]
        return results

    async def _outcomes(self, cases: Sequence[Case], over: float) -> dict[int, Outcome]:
        if time.monotonic() > over:
            return {index: Outcome(how=Ending.LOST, note=OUT_OF_TIME) for index in range(len(cases))}
        literals = [Literals(test.input) for _, test in cases]
        numbered = [(index, policy) for index, (policy, _) in enumerate(cases)]
        return await Round(self._pool, lambda index: literals[index]).run(numbered)

    async def _take(self, job: Job, command: RunTrial) -> None:
        try:
            async with kept_alive(job), self._turn(command):
                await self._report(TrialStarted(trial=command.trial), command)
                finished = await self._finished(job, command)
                if finished is None:
                    return
                await self._report(finished, command)
            await job.ack()
        except Exception as error:  # the bus is away, most likely; the queue gives the job to somebody again
            log.warning("a trial was not reported", trial=command.trial, problem=str(error))
        else:
            log.info("tried", trial=command.trial, results=len(finished.results), seconds=finished.seconds)

    async def _finished(self, job: Job, command: RunTrial) -> TrialFinished | None:
        """What is to be reported; None if the job was given back, because there may be a sandbox later or elsewhere."""
        try:
            return await self.tried(command)
        except SandboxError as error:
            if job.deliveries < TRIES:
                log.warning("no sandbox; the trial waits", trial=command.trial, problem=str(error))
                await job.nak(RETRY_SECONDS * job.deliveries)
                return None
            return TrialFinished(trial=command.trial, message=f"no sandbox for the policies: {error}")

    @contextlib.asynccontextmanager
    async def _turn(self, command: RunTrial) -> AsyncIterator[None]:
        async with self._turns[command.patient]:
            if command.patient:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._idle.wait()
            yield

    async def _report(self, message: Message, command: RunTrial) -> None:
        await self._reports.observed(message, workspace=command.workspace, about=f"trial/{command.trial}")


def in_test(policy: PolicyToRun, test: PolicyTest) -> PolicyToRun:
    """The policy as one of its tests runs it: nothing but the test answers it, so it has no network."""
    return policy.model_copy(
        update={"params": {**policy.params, **test.params}, "languages": [], "network": False}
    )


def _fitting(results: Sequence[TrialResult]) -> list[TrialResult]:
    short = fitting([one.result for one in results])
    return [one.model_copy(update={"result": result}) for one, result in zip(results, short, strict=True)]
