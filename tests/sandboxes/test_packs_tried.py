"""The tests of every pack's policies, as an agent runs them: in its sandbox's program, one trial for each pack."""

from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.control.policies import packs
from seatrial.control.policies.trials.drafts import of_file
from seatrial.wire.envelope import new_id
from seatrial.wire.expectations import differences
from seatrial.wire.trials import RunTrial
from tests.credentials import NoCredentials
from tests.sandboxes.conftest import NoJobs, Recorded

# The agent's own way is the same for all; the rest of the packs is tested in this process, which costs less.
PACK = pytest.mark.parametrize("pack", ["starter", "docker"])


@pytest.mark.slow
@PACK
async def test_a_pack_passes_its_tests_in_the_agents_sandbox(pack: str, tmp_path: Path) -> None:
    drafts = [of_file(one.slug, one.code) for one in packs.read(pack)]
    pool = Pool(ProcessSandboxes(find_program(), new_id()), size=0)
    memo = Memo(tmp_path / "m", "p")
    agent = Evaluations(NoJobs(), Cache(tmp_path / "g"), NoCredentials(), Recorded(), pool, memo)
    policies = [draft.on_trial(network=False) for draft in drafts]
    async with pool.running():
        finished = await agent._trials.tried(RunTrial(trial=new_id(), workspace="w", policies=policies))
    assert finished.message == "" and len(finished.results) == sum(len(draft.tests) for draft in drafts)
    expected = [test for draft in drafts for test in draft.tests]
    wrong = [
        (one.result.slug, test["name"], found)
        for one, test in zip(finished.results, expected, strict=True)
        if (found := differences(test["expected"], one.result))
    ]
    assert wrong == []
