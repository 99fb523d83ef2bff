"""Policies on trial: on their own tests and on a commit, beside evaluations and never before them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes import trials as trials_module
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.agent.sandboxes.trials import OUT_OF_TIME
from seatrial.wire.envelope import new_id
from seatrial.wire.evaluations import EvaluationFinished
from seatrial.wire.expectations import differences
from seatrial.wire.states import ResultState
from seatrial.wire.trials import PolicyOnTrial, PolicyTest, RunTrial, TrialFinished, TrialStarted
from tests.credentials import NoCredentials
from tests.sandboxes.conftest import Bench, Recorded, policy
from tests.sandboxes.test_service import Broken, Delivery, Queue, running
from tests.waiting import until

README = """
def evaluate(project, params, log):
    log.info("looked")
    text = project.get_file_content(params.get("file", "README.md"))
    if text is None:
        return {"passed": False, "message": "No README"}
    return {"passed": True, "score": len(text)}
"""
WAITS = "import time\ndef evaluate(project):\n    project.get_topics()\n    time.sleep(60)\n"


def trial_of(*policies: PolicyOnTrial, **fields: Any) -> RunTrial:
    return RunTrial(**{"trial": new_id(), "workspace": "w", "policies": list(policies), **fields})


def on_commit(bench: Bench, *policies: Any, **fields: Any) -> RunTrial:
    command = bench.command(*policies)
    return trial_of(
        *[PolicyOnTrial(policy=one) for one in policies],
        project=command.project, repository=command.repository, source=command.source, commit=command.commit, **fields,
    )  # fmt: skip


def on_test(code: str, *tests: PolicyTest, slug: str = "policy", **fields: Any) -> PolicyOnTrial:
    return PolicyOnTrial(policy=policy(code, slug, **fields), tests=list(tests))


async def test_each_test_is_answered_by_its_own_literal(processes: Bench) -> None:
    given = {"files": {"README.md": "x" * 40, "OTHER.md": "yy"}}
    tests = [
        PolicyTest(name="has one", input=given, expected={"passed": True, "score": 40}),
        PolicyTest(name="other", input=given, params={"file": "OTHER.md"}, expected={"score": 2}),
        PolicyTest(name="none", expected={"passed": False, "message": {"contains": "README"}}),
        PolicyTest(name="wrong", expected={"passed": True, "score": 1}),
    ]
    again = on_test(README, *tests[:1], slug="again")
    finished = await processes.evaluations._trials.tried(trial_of(on_test(README, *tests), again))
    assert [one.test for one in finished.results] == [0, 1, 2, 3, 0]
    assert [one.result.slug for one in finished.results] == ["policy"] * 4 + ["again"]
    found = [
        differences(test.expected, one.result) for test, one in zip(tests, finished.results, strict=False)
    ]
    assert found[:3] == [[], [], []]
    assert [(one.key, one.expected, one.said) for one in found[3]] == [
        ("passed", True, False),
        ("score", 1, 0.0),
    ]
    assert finished.results[0].result.logs[0].message == "looked"


async def test_more_tests_than_a_sandbox_has_children_all_run_and_in_order(processes: Bench) -> None:
    processes.evaluations._pool.children = 2
    code = "def evaluate(project):\n    return {'passed': True, 'message': project.get_default_branch()}"
    tests = [PolicyTest(name=str(n), input={"get_default_branch": f"b{n}"}) for n in range(5)]
    finished = await processes.evaluations._trials.tried(trial_of(on_test(code, *tests)))
    assert [one.result.message for one in finished.results] == ["b0", "b1", "b2", "b3", "b4"]


async def test_a_broken_policy_is_errored_and_the_others_are_not(processes: Bench) -> None:
    broken = on_test("def evaluate(project): return 1", PolicyTest(name="a", expected={"passed": False}))
    good = on_test(README, PolicyTest(name="b", expected={"passed": False}), slug="good")
    finished = await processes.evaluations._trials.tried(trial_of(broken, good))
    assert [one.result.state for one in finished.results] == [ResultState.ERRORED, ResultState.FAILED]
    (difference,) = differences({"passed": False}, finished.results[0].result)
    assert difference.key == "state" and difference.expected == "failed" and "errored" in difference.said
    assert differences({"state": "errored"}, finished.results[0].result) == []


async def test_tests_that_take_too_long_together_are_said_not_to_have_run(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials_module, "TESTS_SECONDS", -1.0)
    finished = await processes.evaluations._trials.tried(trial_of(on_test(README, PolicyTest(name="a"))))
    (one,) = finished.results
    assert one.result.state is ResultState.ERRORED and one.result.message == OUT_OF_TIME


async def test_a_policy_is_tried_on_a_commit_as_an_evaluation_would(processes: Bench) -> None:
    finished = await processes.evaluations._trials.tried(on_commit(processes, policy(README)))
    (one,) = finished.results
    assert one.test is None and one.result.state is ResultState.PASSED
    gone = on_commit(processes, policy(README)).model_copy(update={"commit": "f" * 40})
    finished = await processes.evaluations._trials.tried(gone)
    assert finished.results == [] and "f" * 40 in finished.message


@contextlib.asynccontextmanager
async def serving(
    queue: Queue, reports: Recorded, tmp_path: Path, **more: Any
) -> AsyncIterator[tuple[Evaluations, NoCredentials]]:
    credentials = NoCredentials()
    pool = more.get("pool") or Pool(ProcessSandboxes(find_program(), new_id()), size=0)
    memo = Memo(tmp_path / "m", "p")
    evaluations = Evaluations(queue, Cache(tmp_path / "g"), credentials, reports, pool, memo, parallel=1)
    async with running(evaluations):
        yield evaluations, credentials


async def test_a_trial_is_reported_and_acknowledged_and_its_source_is_fetched_for_it(
    processes: Bench, tmp_path: Path
) -> None:
    source = processes.command().source.model_copy(
        update={"clone_url": "https://127.0.0.1:9/ship.git", "needs_credential": True}
    )
    job = Delivery(on_commit(processes, policy(README)).model_copy(update={"source": source}))
    reports = Recorded()
    async with serving(Queue(job), reports, tmp_path) as (_, credentials):
        await until(lambda: job.ended)
    assert job.ended == "ack" and [m.kind for m in reports.messages] == ["TrialStarted", "TrialFinished"]
    assert credentials.asked == [f"r for trial {job.message.trial}"]  # type: ignore[attr-defined]
    finished = reports.messages[1]
    assert isinstance(finished, TrialFinished) and "no credential" in finished.message


async def test_an_evaluation_does_not_wait_for_a_trial_and_a_patient_trial_waits_for_evaluations(
    processes: Bench, tmp_path: Path, begun: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials_module, "PATIENCE_SECONDS", 600.0)
    hanging = Delivery(on_commit(processes, policy(WAITS)))
    evaluation = Delivery(processes.command(policy(README)))
    queue, reports = Queue(hanging), Recorded()
    async with serving(queue, reports, tmp_path) as (evaluations, _):
        await begun.wait()
        queue.deliveries.append(evaluation)
        await until(lambda: evaluation.ended)
        assert evaluation.ended == "ack" and hanging.ended == ""
        assert isinstance(reports.messages[-1], EvaluationFinished)
        async with evaluations._trials.let_go_first():
            patient = Delivery(trial_of(on_test(README, PolicyTest(name="a")), patient=True))
            queue.deliveries.append(patient)
            await until(lambda: not queue.deliveries)
            waits = queue.waits
            await until(lambda: queue.waits > waits + 1)  # whoever takes jobs is back at the queue
            started = [m.trial for m in reports.messages if isinstance(m, TrialStarted)]
            assert patient.message.trial not in started  # type: ignore[attr-defined]
        await until(lambda: patient.ended)
        assert patient.ended == "ack"
    assert hanging.ended == "", "an agent that stops leaves its trials to others"


async def test_without_a_sandbox_a_trial_is_given_back_and_in_the_end_says_why(tmp_path: Path) -> None:
    command = trial_of(on_test(README, PolicyTest(name="a")))
    early, last = Delivery(command), Delivery(command, 4)
    reports = Recorded()
    async with serving(Queue(early, last), reports, tmp_path, pool=Pool(Broken(), size=0)):
        await until(lambda: early.ended and last.ended)
    assert (early.ended, last.ended) == ("nak", "ack")
    (finished,) = [m for m in reports.messages if isinstance(m, TrialFinished)]
    assert finished.message == "no sandbox for the policies: the engine does not answer"


async def test_a_trial_whose_report_cannot_be_stored_is_not_acknowledged(tmp_path: Path) -> None:
    class Away(Recorded):
        async def observed(self, message: Any, *, workspace: str, about: str) -> None:
            await super().observed(message, workspace=workspace, about=about)
            if isinstance(message, TrialFinished):
                raise ConnectionError("bus away")

    job = Delivery(trial_of(on_test(README, PolicyTest(name="a"))))
    reports = Away()
    async with serving(Queue(job), reports, tmp_path) as (evaluations, _):
        await until(lambda: any(isinstance(m, TrialFinished) for m in reports.messages))
        await until(lambda: not evaluations._trials._begun)
    assert job.ended == ""
