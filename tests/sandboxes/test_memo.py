"""A result is reused exactly as long as every answer that the policy got stays the same."""

import sqlite3
import time
from pathlib import Path

import pytest

from seatrial.agent.sandboxes.memo import Memo
from seatrial.wire.evaluations import ForgeFacts, PolicyResult
from seatrial.wire.states import ResultState
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
    assert second.digests == first.digests
    processes.repository.commit({"README.md": "# Boat\n"})
    [third] = await processes.run(looks)
    assert not third.memoised and third.message == "# Boat\n"
    assert third.digests.answers != first.digests.answers
    assert third.digests == first.digests.model_copy(update={"answers": third.digests.answers})
    assert (
        first.digests.code == looks.digest and len(first.digests.params) == len(first.digests.answers) == 64
    )
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


async def test_a_change_of_code_parameters_facts_or_python_runs_it_again(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "def evaluate(project, params): return {'passed': True, 'message': str(project.get_topics())}"
    await processes.run(policy(code))
    assert (await processes.run(policy(code)))[0].memoised
    assert not (await processes.run(policy(code + "\n")))[0].memoised
    assert not (await processes.run(policy(code, params={"a": 1})))[0].memoised
    processes.facts = ForgeFacts(topics=["ship"])
    assert not (await processes.run(policy(code)))[0].memoised
    monkeypatch.setattr(processes.pool.backend, "python", "3.99.0")
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


async def test_what_is_remembered_never_takes_more_than_its_room(tmp_path: Path) -> None:
    path, most = tmp_path / "memo.sqlite3", 512 * 1024
    memo = Memo(path, "program", most_bytes=most)
    seen = [("read", "0" * 64)] * 200
    for number in range(200):
        result = PolicyResult(
            version_id="v", slug="p", state=ResultState.PASSED, message=f"{number} " + "x" * 5_000
        )
        await memo.keep(f"project {number}", policy(LOOKS), "runsc", seen, result)
        assert path.stat().st_size < 2 * most
    assert remembered(path)[-1] == 200, "the newest stays"
    assert 10 < len(remembered(path)) < 200
    with sqlite3.connect(path) as database:
        database.execute("UPDATE memo SET at = ?", (time.time() - 25 * 3600,))
    await memo.prune(14)
    assert not remembered(path) and path.stat().st_size < 64 * 1024, "its room is the disk's again"
    path.write_bytes(b"not a database" * 100)
    await memo.prune(14)
    await memo.prune(14)


def remembered(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        return [identity for (identity,) in database.execute("SELECT id FROM memo ORDER BY id")]
