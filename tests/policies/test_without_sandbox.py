"""An agent that may not run policies, and how an evaluation ends that only it could take."""

import asyncio
from pathlib import Path

import pytest
from django.utils import timezone

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.control.fleet import services as fleet
from seatrial.control.policies import overdue, services
from seatrial.wire.agents import Heartbeat
from seatrial.wire.envelope import new_id
from tests import factories
from tests.credentials import NoCredentials
from tests.sandboxes.conftest import NoJobs, Recorded
from tests.waiting import until

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


async def beat_of(evaluations: Evaluations) -> Heartbeat:
    """What the agent would say once it has tried in vain for a while."""
    running = asyncio.create_task(evaluations.run())
    await until(lambda: evaluations.problem_seconds > 0.2)
    beat = Heartbeat(
        release="1",
        sandbox=evaluations.isolation,
        sandbox_problem=evaluations.problem,
        sandbox_problem_seconds=evaluations.problem_seconds,
    )
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return beat


def test_an_evaluation_says_why_no_policy_can_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "PROBLEM_LASTS_SECONDS", 0.2)
    project = factories.project(factories.workspace())
    evaluation = factories.evaluation(
        factories.pull_request(project), state="queued", queued_at=timezone.now()
    )
    pool = Pool(ProcessSandboxes(find_program(), new_id(), require_gvisor=True), size=0)
    evaluations = Evaluations(
        NoJobs(), Cache(tmp_path / "git"), NoCredentials(), Recorded(), pool, Memo(tmp_path / "memo", "p")
    )
    fleet.heartbeat(factories.agent("local").pk, asyncio.run(beat_of(evaluations)))
    assert services.give_up_lost() == 1
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.message) == (
        "errored",
        "No policy can run: local: GITGRIT_REQUIRE_GVISOR is set and GALLEY_RUNTIME is process: no policy runs",
    )
