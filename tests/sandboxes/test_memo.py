"""A result is remembered exactly as long as every answer the policy was given stays the same."""

import sqlite3
import time
from pathlib import Path

import pytest

from seatrial.wire.evaluations import ForgeFacts
from tests.sandboxes.conftest import Bench, policy

LOOKS = (
    "def evaluate(project):\n    return {'passed': True, 'message': project.get_file_content('README.md')}"
)


async def test_a_commit_that_changes_nothing_it_looked_at_costs_nothing(processes: Bench) -> None:
    looks = policy(LOOKS, "looks")
    [first] = await processes.run(looks)
    assert not first.memoised
    processes.repository.commit({"other.py": "1"})
    [second] = await processes.run(looks)
    assert second.memoised and second.message == first.message and second.seconds == 0
    processes.repository.commit({"README.md": "# Boat\n"})
    [third] = await processes.run(looks)
    assert not third.memoised and third.message == "# Boat\n"
    (processes.repository.path / "README.md").write_text("# Ship\n")
    processes.repository.commit({})
    [back] = await processes.run(looks)
    assert back.memoised and back.message == "# Ship\n"


@pytest.mark.parametrize("code", [
    "def evaluate(project): return {'passed': True, 'score': len(project.list_files())}",
    "def evaluate(project): return {'passed': True, 'score': len(project.get_files_content(project.list_files()))}",
    "def evaluate(project): return {'passed': True, 'score': len(project.get_file_sizes())}",
    "def evaluate(project): return {'passed': True, 'score': 5 if project.get_file_content('new') else 4}",
])  # fmt: skip
async def test_new_files_are_noticed(processes: Bench, code: str) -> None:
    [first] = await processes.run(policy(code))
    processes.repository.commit({"new": "1"})
    [second] = await processes.run(policy(code))
    assert not second.memoised and second.score == first.score + 1


async def test_a_change_behind_a_symbolic_link_is_noticed(processes: Bench) -> None:
    (processes.repository.path / "link").symlink_to("sub/file")
    processes.repository.commit({"sub/file": "old"})
    looks = policy(
        "def evaluate(project): return {'passed': True, 'message': project.get_file_content('link')}"
    )
    [first] = await processes.run(looks)
    processes.repository.commit({"sub/file": "new"})
    [second] = await processes.run(looks)
    assert (first.message, second.message, second.memoised) == ("old", "new", False)


async def test_a_change_of_code_parameters_or_facts_runs_it_again(processes: Bench) -> None:
    code = "def evaluate(project, params): return {'passed': True, 'message': str(project.get_topics())}"
    await processes.run(policy(code))
    assert (await processes.run(policy(code)))[0].memoised
    assert not (await processes.run(policy(code + "\n")))[0].memoised
    assert not (await processes.run(policy(code, params={"a": 1})))[0].memoised
    processes.facts = ForgeFacts(topics=["ship"])
    assert not (await processes.run(policy(code)))[0].memoised


async def test_errors_are_never_remembered(processes: Bench) -> None:
    for code in ("def evaluate(project): 1/0", "def evaluate(project):\n    while True: pass"):
        for _ in range(2):
            [result] = await processes.run(policy(code, timeout_seconds=0.5))
            assert not result.memoised


async def test_old_results_and_damaged_files_are_forgotten(processes: Bench, tmp_path: Path) -> None:
    await processes.run(policy(LOOKS))
    path = tmp_path / "memo.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE memo SET at = ?", (time.time() - 25 * 3600,))
    assert not (await processes.run(policy(LOOKS)))[0].memoised
    path.write_bytes(b"not a database, though it is long enough to look like one" * 100)
    assert not (await processes.run(policy(LOOKS)))[0].memoised
    await processes.run(policy(LOOKS))
    assert (await processes.run(policy(LOOKS)))[0].memoised
