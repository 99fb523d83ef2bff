"""`seatrial check`: the policies, in the sandbox, with a verdict and an exit code."""

from pathlib import Path
from typing import Any

import pytest

from e2e.platform import Platform
from e2e.repositories import commit, repository

pytestmark = pytest.mark.e2e

GOOD = {
    "README.md": "# A boat\n\n" + "What it is, how to build it and how to sail it. " * 20,
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n",
}


def test_check_prints_each_verdict_and_its_exit_code_says_the_same(platform: Platform, home: Path) -> None:
    path = repository(home / "dinghy", {"app.py": 'KEY = "AKIA' + "Z3MGQ7XKJ2LNBVCD" + '"\n'})
    done = platform.run("check", str(path), "--branch", "feature")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "failed" in done.stdout
    evaluation = platform.json("check", str(path), "--branch", "feature")
    assert evaluation["state"] == "failed"
    states = {result["policy"]: result["state"] for result in evaluation["results"]}
    assert len(states) >= 8
    assert "failed" in states.values()
    assert "passed" in states.values()
    assert evaluation["isolation"] == "runsc"


def test_checking_a_folder_that_is_not_a_repository_is_a_usage_error(platform: Platform, home: Path) -> None:
    (home / "plain").mkdir()
    done = platform.run("check", str(home / "plain"))
    assert done.returncode == 2
    assert "not a git repository" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_unknown_branch_is_a_usage_error_with_the_near_miss(platform: Platform, home: Path) -> None:
    path = repository(home / "raft", {"x": "y"}, branch="feature")
    done = platform.run("check", str(path), "--branch", "featrue")
    assert done.returncode == 2
    assert "feature" in done.stdout + done.stderr


def test_a_push_costs_nothing_where_a_policy_does_not_look(platform: Platform, home: Path) -> None:
    path = repository(home / "punt", GOOD | {"app.py": "print(1)\n"})
    first = platform.json("check", str(path), "--branch", "feature")
    assert remembered(first) == set(), "nothing is known of this repository"
    commit(path, {"app.py": "print(2)\n"})
    again = platform.json("check", str(path), "--branch", "feature")
    assert {"readme", "license"} <= remembered(again), "they read another file"
    assert "no-secrets" not in remembered(again), "it reads every file, and one has changed"
    assert verdicts(again) == verdicts(first)


def remembered(evaluation: dict[str, Any]) -> set[str]:
    """Policies whose result comes from an earlier run."""
    return {result["policy"] for result in evaluation["results"] if result["memoised"]}


def verdicts(evaluation: dict[str, Any]) -> dict[str, str]:
    """What each policy said."""
    return {result["policy"]: result["state"] for result in evaluation["results"]}
