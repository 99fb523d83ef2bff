"""A finding is shown with the lines around it, unless its policy says that they hold a secret."""

from typing import Any

from seatrial.agent.sandboxes.located import MAX_LINE, MOST_EXCERPTS
from seatrial.wire.evaluations import Excerpt, Finding
from tests.sandboxes.conftest import Bench, policy

CODE = """
def evaluate(project, params):
    return {"passed": False, **params}
"""
TEXT = "one\r\ntwo\nthree\n" + "4" * 200 + "\nfive"


async def found(bench: Bench, **returned: Any) -> list[Finding]:
    bench.repository.commit({"a.txt": TEXT, "image.png": b"\x89PNG\0\n\0"})
    [result] = await bench.run(policy(CODE, params=returned))
    assert result.findings, result
    return result.findings


async def test_the_lines_around_are_those_of_the_commit(processes: Bench) -> None:
    lines = [
        {"path": "a.txt", "line": number, "message": "m", "fingerprint": "own"} for number in (1, 3, 5, 6)
    ]
    first, third, fifth, beyond = await found(processes, findings=lines)
    four = "4" * (MAX_LINE - 8) + " … (cut)"
    assert first.excerpt == Excerpt(first=1, lines=["one", "two", "three"])
    assert third.excerpt == Excerpt(first=1, lines=["one", "two", "three", four, "five"])
    assert fifth.excerpt == Excerpt(first=3, lines=["three", four, "five"])
    assert beyond.excerpt is None, "the file has no such line"


async def test_what_may_not_be_quoted_is_not(processes: Bench) -> None:
    place = {"path": "a.txt", "line": 2, "message": "m"}
    secret, whole, absent = await found(
        processes,
        findings=[{**place, "quote": False}, {"path": "a.txt", "message": "m"}, {**place, "path": "gone"}],
    )
    assert secret.excerpt is None and whole.excerpt is None and absent.excerpt is None
    [lifted] = await found(processes, details={"findings": [{"file": "a.txt", "line": 2}]})
    assert lifted.excerpt is None and lifted.line == 2, "an older policy may have found a secret"


async def test_only_the_first_are_quoted(processes: Bench) -> None:
    many = [{"path": "a.txt", "line": 2, "message": str(number)} for number in range(MOST_EXCERPTS + 5)]
    shown = await found(processes, findings=many)
    assert [one.excerpt is not None for one in shown] == [True] * MOST_EXCERPTS + [False] * 5
    assert len({one.fingerprint for one in shown}) == len(shown)


async def test_only_true_and_false_are_answers(processes: Bench) -> None:
    [result] = await processes.run(policy(CODE, params={"findings": [{"message": "m", "quote": "no"}]}))
    assert result.state == "errored" and "findings[0].quote" in result.message
