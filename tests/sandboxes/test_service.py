"""Jobs in, reports out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes import pool as pools
from seatrial.agent.sandboxes.channel import Sandbox, SandboxError
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.agent.vocabulary.credentials import Credentials
from seatrial.wire.deployments import Source
from seatrial.wire.envelope import Envelope, Message, new_id
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted
from seatrial.wire.logs import LogChunk
from seatrial.wire.states import EvaluationState, Isolation
from tests.credentials import NoCredentials
from tests.sandboxes.conftest import Bench, Recorded, policy
from tests.waiting import until

GOOD = "def evaluate(project): return {'passed': True}"


@dataclass
class Delivery:
    """A job that remembers what became of it."""

    message: Message
    deliveries: int = 1
    ended: str = ""
    envelope: Envelope = field(init=False)

    def __post_init__(self) -> None:
        self.envelope = Envelope.wrap(self.message)

    async def ack(self) -> None:
        self.ended = "ack"

    async def nak(self, delay_seconds: float | None = None) -> None:
        self.ended = "nak"

    async def term(self) -> None:
        self.ended = "term"

    async def in_progress(self) -> None:
        pass


class Queue:
    """Deliveries in order, then nothing."""

    def __init__(self, *deliveries: Delivery) -> None:
        self.deliveries = list(deliveries)
        self.waits = 0

    async def fetch(self, timeout_seconds: float = 5.0) -> Delivery | None:
        if self.deliveries:
            return self.deliveries.pop(0)
        self.waits += 1
        await asyncio.sleep(0.05)
        return None


@contextlib.asynccontextmanager
async def running(evaluations: Evaluations) -> AsyncIterator[None]:
    task = asyncio.create_task(evaluations.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def served(evaluations: Evaluations, *deliveries: Delivery) -> None:
    async with running(evaluations):
        await until(lambda: all(delivery.ended for delivery in deliveries))


async def test_jobs_are_run_reported_and_acknowledged(processes: Bench, tmp_path: Path) -> None:
    jobs = [Delivery(processes.command(policy(GOOD))) for _ in range(3)]
    strange = Delivery(EvaluationStarted(evaluation="x"))
    reports = Recorded()
    pool = Pool(ProcessSandboxes(find_program(), new_id()), size=1)
    memo = Memo(tmp_path / "m", "p")
    evaluations = Evaluations(
        Queue(*jobs, strange), Cache(tmp_path / "git2"), NoCredentials(), reports, pool, memo
    )
    await served(evaluations, *jobs, strange)
    assert [job.ended for job in jobs] == ["ack"] * 3 and strange.ended == "term"
    assert evaluations.isolation == Isolation.PROCESS and "no isolation" in evaluations.warnings[0]
    for job in jobs:
        about = [m for m in reports.messages if m.evaluation == job.message.evaluation]
        assert [m.kind for m in about] == ["EvaluationStarted", "EvaluationFinished"]
        assert about[1].state == EvaluationState.PASSED
    assert pool.warm == 0


async def test_a_source_is_fetched_with_the_evaluations_credential_once_its_start_is_reported(
    processes: Bench, tmp_path: Path
) -> None:
    source = Source(clone_url="https://127.0.0.1:9/ship.git", needs_credential=True)
    job = Delivery(processes.command(policy(GOOD)).model_copy(update={"source": source}))
    reports, credentials = Recorded(), NoCredentials()
    started: list[str] = []
    for_evaluation = credentials.for_evaluation

    def asked(evaluation: str) -> Credentials:
        started.extend(message.kind for message in reports.messages)
        return for_evaluation(evaluation)

    credentials.for_evaluation = asked  # type: ignore[method-assign]
    pool = Pool(ProcessSandboxes(find_program(), new_id()), size=0)
    memo = Memo(tmp_path / "m", "p")
    evaluations = Evaluations(Queue(job), Cache(tmp_path / "git2"), credentials, reports, pool, memo)
    await served(evaluations, job)
    assert started == ["EvaluationStarted"], "told before anything is asked"
    assert credentials.asked == [f"r for evaluation {job.message.evaluation}"]
    finished = reports.messages[-1]
    assert finished.state is EvaluationState.ERRORED and "no credential: nobody gets" in finished.message


class Broken:
    """A backend whose engine is away, or whose gVisor does not work."""

    isolation = Isolation.GVISOR
    python = ""

    def __init__(self, *, lasting: bool = False) -> None:
        self.lasting = lasting
        self.starts = 0

    async def prepare(self) -> list[str]:
        return []

    async def look(self) -> list[str]:
        return []

    async def start(self, children: int) -> Sandbox:
        self.starts += 1
        raise SandboxError("the engine does not answer", lasting=self.lasting)


async def test_a_start_that_would_fail_again_is_not_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LASTING_PAUSE_SECONDS", (300.0, 1000.0))
    backend = Broken(lasting=True)
    pool = Pool(backend, size=2)
    async with pool.running():
        for _ in range(20):
            with pytest.raises(SandboxError, match="does not answer"):
                async with pool.claim():
                    pass
            await asyncio.sleep(0.05)
    assert backend.starts == 1 and pool.problem == "the engine does not answer"
    pool._not_before = 0
    with pytest.raises(SandboxError):
        await pool._start(1)
    assert backend.starts == 2 and pool._pause == 600


async def test_without_a_sandbox_the_job_waits_and_in_the_end_says_why(
    processes: Bench, tmp_path: Path
) -> None:
    early, last = Delivery(processes.command(policy(GOOD))), Delivery(processes.command(policy(GOOD)), 4)
    reports = Recorded()
    memo = Memo(tmp_path / "m", "p")
    evaluations = Evaluations(
        Queue(early, last), Cache(tmp_path / "git2"), NoCredentials(), reports, Pool(Broken(), size=0), memo
    )
    await served(evaluations, early, last)
    assert (early.ended, last.ended) == ("nak", "ack")
    [finished] = [m for m in reports.messages if isinstance(m, EvaluationFinished)]
    assert finished.state == EvaluationState.ERRORED
    assert finished.message == "no sandbox for the policies: the engine does not answer"


async def test_where_gvisor_is_required_and_missing_no_job_is_taken_and_the_problem_is_reported(
    processes: Bench, tmp_path: Path
) -> None:
    queue = Queue(Delivery(processes.command(policy(GOOD))))
    pool = Pool(ProcessSandboxes(find_program(), new_id(), require_gvisor=True), size=0)
    evaluations = Evaluations(
        queue, Cache(tmp_path / "g"), NoCredentials(), Recorded(), pool, Memo(tmp_path / "m", "p")
    )
    assert evaluations.problem == "" and evaluations.problem_seconds == 0
    async with running(evaluations):
        await until(lambda: evaluations.problem_seconds > 0.1)
        assert (
            evaluations.problem.startswith("GITGRIT_REQUIRE_GVISOR is set") and evaluations.isolation is None
        )
        assert len(queue.deliveries) == 1
        pool.backend._require_gvisor = False  # the next try finds it mended
        await until(lambda: evaluations.isolation == Isolation.PROCESS)
        assert evaluations.problem == "" and evaluations.problem_seconds == 0


async def test_a_job_whose_report_cannot_be_stored_is_not_acknowledged(
    processes: Bench, tmp_path: Path
) -> None:
    class Full(Recorded):
        async def observed(self, message: Message, *, workspace: str, about: str) -> None:
            await super().observed(message, workspace=workspace, about=about)
            if isinstance(message, EvaluationFinished):
                raise ConnectionError("bus away")

        async def log(self, chunk: LogChunk, *, workspace: str) -> None:
            raise AssertionError

    job = Delivery(processes.command(policy(GOOD)))
    pool = Pool(ProcessSandboxes(find_program(), new_id()), size=0)
    reports, queue = Full(), Queue(job)
    memo = Memo(tmp_path / "m", "p")
    evaluations = Evaluations(queue, Cache(tmp_path / "g"), NoCredentials(), reports, pool, memo, parallel=1)
    async with running(evaluations):
        await until(lambda: queue.waits > 0)  # the only one who takes jobs is back at the queue
    assert isinstance(reports.messages[-1], EvaluationFinished) and job.ended == ""
