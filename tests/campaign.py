"""Long campaigns: kills, storms, attacks and random input, round after round. CI runs the same tests once, with seed 0.

`make campaign SEED=n ROUNDS=m`. A round is one test of ROUNDS with a seed for its random numbers; both depend on SEED alone,
so the same SEED gives the same campaign. Without a SEED one is drawn and printed.
"""

import argparse
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# (how often, tests): those that leave more to chance come more often.
TESTS = {
    "tests/environments/test_storm.py": 4,
    "tests/worker/test_kill.py::test_storm_of_pushes_with_kills_ends_right": 4,
    "tests/previews/test_any_order.py": 3,
    "tests/recipes/test_fuzzed.py": 2,
    "tests/rest/test_fuzz.py": 2,
    "tests/runtime/test_conformance.py": 1,
    "tests/worker/test_kill.py": 1,
    "tests/worker/test_webhook_storm.py": 1,  # ten thousand webhooks, in CI 150
    "tests/worker/test_bus_of_three.py": 2,  # more kills than in CI, and of most nodes at once
    "tests/installation/test_managed_postgres.py": 1,
    "tests/agent/test_program.py": 1,
    "tests/builds/test_escapes.py": 1,
    "tests/builds/test_killed.py": 1,
    "tests/sandboxes/test_hostile.py": 1,
    "e2e/test_kill.py": 1,
}


@dataclass(frozen=True)
class Round:
    """One test with one seed."""

    test: str
    seed: int

    @property
    def arguments(self) -> list[str]:
        """The arguments for pytest. The same arguments give the same round."""
        return [self.test, f"--campaign-seed={self.seed}", f"--hypothesis-seed={self.seed}"]


def planned(seed: int, rounds: int) -> Iterator[Round]:
    """The rounds of this seed. A longer campaign begins with the rounds of a shorter one."""
    chance = random.Random(seed)
    for _ in range(rounds):
        [test] = chance.choices(list(TESTS), weights=list(TESTS.values()))
        yield Round(test, chance.randrange(2**32))


def fails(one: Round) -> bool:
    """Run the round; returns whether it failed, and then prints its output."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", *one.arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stdout.write(done.stdout + done.stderr)
    return done.returncode != 0


def main() -> int:
    """Run all rounds, even if some fail, then print those that failed and how to repeat them."""
    parser = argparse.ArgumentParser(prog="make campaign")
    parser.add_argument("--seed", default="")
    parser.add_argument("--rounds", default="")
    given = parser.parse_args()
    seed, rounds = int(given.seed or secrets.randbelow(2**32)), int(given.rounds or 20)
    sys.stdout.write(f"Campaign: SEED={seed} ROUNDS={rounds}\n")
    failed = []
    for number, one in enumerate(planned(seed, rounds), 1):
        sys.stdout.write(f"{number:4}/{rounds}  {one.test}  seed {one.seed}\n")
        sys.stdout.flush()
        if fails(one):
            failed.append((number, one))
    for number, one in failed:
        repeat = " ".join([".venv/bin/python -m pytest", *one.arguments])
        sys.stdout.write(f"Round {number} failed. Repeat it: {repeat}\n")
    sys.stdout.write(
        f"{len(failed)} of {rounds} rounds failed; all again: make campaign SEED={seed} ROUNDS={rounds}\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
