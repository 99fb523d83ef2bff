"""Long campaigns: kills, storms, attacks and random input, round after round. CI runs the same tests once, with seed 0.

`make campaign SEED=n ROUNDS=m`. A round is one test of TESTS with a seed for its random numbers; both depend on SEED alone,
so the same SEED gives the same campaign. Without a SEED one is drawn and printed. With ONLY=file every round is that test: ONLY=e2e/test_faults.py
kills any process at any moment of deployments, ten times a round.

A walk types what one of our pages tells an operator to type, on real containers, from an empty directory to the end: nothing of it
is left to chance. `make campaign WALK=name` runs one; a campaign whose ROUNDS nobody gave ends with all of them, in order.
"""

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROFILE = "--hypothesis-profile=campaign"  # twenty-five times as many examples as in CI
ROOT = Path(__file__).resolve().parents[1]
# (how often, tests): those that leave more to chance come more often.
TESTS = {
    "tests/environments/test_storm.py": 4,
    "tests/worker/test_kill.py::test_storm_of_pushes_with_kills_ends_right": 4,
    "tests/previews/test_any_order.py": 3,
    "tests/previews/test_admission_in_any_order.py": 1,
    "tests/previews/test_placement_machine.py": 2,
    "tests/previews/test_route_document.py": 1,
    "tests/projects/test_pull_request_news.py": 1,
    "tests/recipes/test_fuzzed.py": 2,
    "tests/rest/test_fuzz.py": 2,
    "tests/runtime/test_conformance.py": 1,
    "tests/worker/test_kill.py": 1,
    "tests/worker/test_hundred_days.py": 1,  # twice as many days of work as in CI
    "tests/worker/test_webhook_storm.py": 1,  # ten thousand webhooks, in CI 90
    "tests/worker/test_bus_of_three.py": 2,  # more kills than in CI, and of most nodes at once
    "tests/installation/test_managed_postgres.py": 1,
    "tests/agent/test_program.py": 1,
    "tests/builds/test_builders.py": 1,
    "tests/builds/test_detected.py": 1,  # in all languages whose base images can be made here
    "tests/builds/test_dialect.py": 1,
    "tests/builds/test_escapes.py": 1,
    "tests/builds/test_killed.py": 1,
    "tests/deploy/test_images.py": 1,  # that the same commit gives the same image
    "tests/sandboxes/test_hostile.py": 1,
    "tests/sandboxes/escapes/test_escapes.py": 1,  # all attacks, in CI a quarter of the cheap ones
    "e2e/test_faults.py": 4,  # ten kills of any process at any moment of a deployment
    "e2e/test_isolation.py": 1,  # every recipe that leads out
    "e2e/test_kill.py": 1,  # each process alone, and every end of a supervisor
    "e2e/test_policy.py": 1,  # the death of an agent in the middle of a trial
    "e2e/test_preview.py": 1,  # every recipe and service that is wrong
    "e2e/test_up_and_down.py": 1,  # Ctrl-C at more moments
}
# What `make campaign WALK=name` runs. Files marked `walk`, which no other run collects.
WALKS: dict[str, str] = {
    "airgapped": "tests/walks/test_airgapped.py",
    "certificates": "tests/certificates/test_acme.py",
    "compose": "tests/walks/test_compose.py",
    "demo-compose": "tests/walks/test_demo_compose.py",
    "fleet": "tests/walks/test_fleet.py",
    "hard-inputs": "tests/walks/test_hard_inputs.py",
}


@dataclass(frozen=True)
class Round:
    """One test with one seed."""

    test: str
    seed: int

    @property
    def arguments(self) -> list[str]:
        """The arguments for pytest. The same arguments give the same round."""
        return [self.test, f"--campaign-seed={self.seed}", f"--hypothesis-seed={self.seed}", PROFILE]


def planned(seed: int, rounds: int, only: str = "") -> Iterator[Round]:
    """The rounds of this seed, all of the test `only` if one is given. A longer campaign begins with the rounds of a shorter one."""
    chance = random.Random(seed)
    for _ in range(rounds):
        [test] = chance.choices(list(TESTS), weights=list(TESTS.values()))
        yield Round(only or test, chance.randrange(2**32))


@dataclass(frozen=True)
class Walk:
    """One walk, which needs no seed."""

    name: str

    @property
    def arguments(self) -> list[str]:
        """The arguments for pytest. What it does is shown while it does it, because it takes long."""
        return [WALKS[self.name], "-m", "walk", "-s"]


def asked(seed: int, rounds: str, walk: str, only: str = "") -> list[Round | Walk]:
    """What a campaign runs: a walk alone, these rounds alone, or twenty rounds and then every walk."""
    if walk:
        return [Walk(walk)]
    return [*planned(seed, int(rounds or 20), only), *([] if rounds or only else map(Walk, WALKS))]


def fails(one: Round | Walk) -> bool:
    """Run it; returns whether it failed. The output of a round is printed if it failed, else only which faults it drew; that of
    a walk as it comes."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", *one.arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=isinstance(one, Round), text=True, check=False)
    if isinstance(one, Round):
        faults = [line for line in done.stdout.splitlines(keepends=True) if line.startswith("fault")]
        sys.stdout.write(done.stdout + done.stderr if done.returncode else "".join(faults))
    return done.returncode != 0


def run(everything: Sequence[Round | Walk]) -> list[tuple[str, Round | Walk]]:
    """Run all of it; returns what failed, with what it is called."""
    failed = []
    for number, one in enumerate(everything, 1):
        what = f"{one.test}  seed {one.seed}" if isinstance(one, Round) else f"walk {one.name}"
        sys.stdout.write(f"{number:4}/{len(everything)}  {what}\n")
        sys.stdout.flush()
        if fails(one):
            failed.append((what, one))
    return failed


def main() -> int:
    """Run all that was asked for, even if some fails, then print what failed and how to repeat it."""
    parser = argparse.ArgumentParser(prog="make campaign")
    parser.add_argument("--seed", default="")
    parser.add_argument("--rounds", default="")
    parser.add_argument("--walk", default="", choices=["", *WALKS])
    parser.add_argument("--only", default="", choices=["", *TESTS], metavar="FILE")
    given = parser.parse_args()
    seed = int(given.seed or secrets.randbelow(2**32))
    everything = asked(seed, given.rounds, given.walk, given.only)
    again = (
        f"WALK={given.walk}" if given.walk else f"SEED={seed} ROUNDS={given.rounds}".removesuffix(" ROUNDS=")
    ) + (f" ONLY={given.only}" if given.only else "")
    sys.stdout.write(f"Campaign: {again}\n")
    with tempfile.TemporaryDirectory(
        prefix="seatrial-bundles-"
    ) as bundles:  # the first walk builds them for the others
        os.environ.setdefault("SEATRIAL_TEST_BUNDLES", bundles)
        failed = run(everything)
    for what, one in failed:
        repeat = " ".join([".venv/bin/python -m pytest", *one.arguments])
        sys.stdout.write(f"Failed: {what}. Repeat it: {repeat}\n")
    sys.stdout.write(f"{len(failed)} of {len(everything)} failed; all again: make campaign {again}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
