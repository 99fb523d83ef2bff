"""The escape suite under real gVisor: each attack ends as it must, honest siblings are right, and so is the next evaluation.

Attacks share sandboxes with each other and with honest policies, in an order that chance gives. Continuous integration runs the
attacks of CHEAP; a campaign (`make campaign`) runs them all, in another order each time.
"""

import random

import pytest

from seatrial.wire.evaluations import PolicyToRun
from tests.sandboxes.conftest import Bench, policy
from tests.sandboxes.escapes import answers, files, misbehaving, reaching
from tests.sandboxes.escapes.attack import TIMED_OUT, Attack
from tests.sandboxes.test_hostile import assert_good, good

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]

ALL: tuple[Attack, ...] = (
    *reaching.NETWORK, *reaching.PROCESSES, *reaching.RIGHTS, *reaching.SHARED,
    *files.PLACES, *files.SEEING, *files.LINKS, *files.TRAVERSAL, *files.ASKING, files.ENDLESS,
    *answers.RESULTS, *answers.FRAMES, *answers.PATCHES,
    *misbehaving.ENDS, *misbehaving.LASTS, *misbehaving.HOOKS, *misbehaving.EXHAUSTION,
)  # fmt: skip
CHEAP = tuple(one for one in ALL if one.state != TIMED_OUT)[::8]
SHARED = 30  # attacks of one evaluation
EVERY = 10  # of them to one honest policy


def test_every_attack_has_a_name_of_its_own() -> None:
    assert len({one.name for one in ALL}) == len(ALL) >= 60


def hostile(attack: Attack) -> PolicyToRun:
    """The attack as a policy."""
    return policy(attack.code, attack.name, timeout_seconds=attack.seconds, memory_mb=attack.memory_mb)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All attacks in a campaign, some otherwise: SHARED of them at a time, in an order that chance gives."""
    if "attacks" not in metafunc.fixturenames:
        return
    seed = metafunc.config.getoption("--campaign-seed")
    chosen = list(ALL if seed else CHEAP)
    random.Random(seed).shuffle(chosen)
    parts = [chosen[place : place + SHARED] for place in range(0, len(chosen), SHARED)]
    metafunc.parametrize("attacks", parts, ids=[f"part-{number}" for number in range(len(parts))])


async def test_each_attack_is_contained_and_nobody_else_notices(gvisor: Bench, attacks: list[Attack]) -> None:
    repository = gvisor.repository
    for link, target in (("leak", "/etc/passwd"), ("root", "/")):
        (repository.path / link).symlink_to(target)
    repository.commit({"long.txt": "a" * 50_000 + "b\n"})
    policies = [hostile(one) for one in attacks]
    for place in range(0, len(policies), EVERY):
        policies.insert(place, good(f"honest-{place}"))
    results = {result.slug: result for result in await gvisor.run(*policies)}
    for slug, result in results.items():
        if slug.startswith("honest-"):
            assert_good(result)
    wrong = {
        one.name: (result.state.value, result.message[:300])
        for one in attacks
        if (result := results[one.name]).state != one.state or one.says not in result.message
    }
    assert wrong == {}
    assert_good((await gvisor.run(good("next")))[0])
