"""What a policy asked the last time is answered before it asks; its result says only what it looked at."""

import asyncio
import json
from typing import Any

import pytest

from seatrial.agent.sandboxes import foresight
from seatrial.agent.sandboxes.foresight import Ahead, answered_ahead, foreseeable, used
from seatrial.agent.sandboxes.frames import Frame, Kind
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.sandboxes.session import Session
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.states import ResultState
from tests.sandboxes.conftest import Bench, policy
from tests.sandboxes.test_session import ended


def asked(method: str, *arguments: Any) -> str:
    return json.dumps([method, list(arguments)])


COUNT, README, COMMIT = (
    asked("files_count", "\\.py$", ""),
    asked("get_file_content", "README.md"),
    asked("commit"),
)


def test_what_is_quick_is_foreseen_and_files_that_are_read_together_are_not() -> None:
    slow = [asked(name) for name in ("search", "fact", "get_history", "visit", "get_diff", "list_files")]
    assert foreseeable([(one, "") for one in (COUNT, *slow, README, COUNT, COMMIT)]) == [
        COUNT,
        README,
        COMMIT,
    ]
    many = [asked("get_file_content", f"{n}.py") for n in range(foresight.MOST_FILES + 1)]
    assert foreseeable([(one, "") for one in (*many, COUNT)]) == [COUNT]
    plenty = [(asked("get_class", str(n)), "") for n in range(foresight.MOST_QUESTIONS + 1)]
    assert len(foreseeable(plenty)) == foresight.MOST_QUESTIONS


class Files:
    """Answers with the question's method; some questions it cannot answer."""

    async def answer(self, question: Any) -> tuple[Any, list[tuple[str, str]]]:
        if question[0] == "files_among":
            raise Unanswerable("no")
        if question[0] == "get_metadata":
            raise CheckoutError("git failed")
        value = "x" * foresight.MOST_BYTES if question[0] == "get_manifests" else question[0]
        return value, [(json.dumps(question), "digest")]


async def test_what_cannot_be_answered_or_is_large_is_left_to_be_asked() -> None:
    questions = [asked("files_among", []), asked("get_manifests"), COUNT, asked("get_metadata"), COMMIT]
    assert [one.asked for one in await answered_ahead(questions, Files())] == [COUNT]


AHEAD = [Ahead(COUNT, 1, []), Ahead(COMMIT, "", [])]


@pytest.mark.parametrize(("said", "which"), [
    ({"used": [1]}, [1]), ({"used": []}, []), ({"used": [1, 1, 0]}, [1, 0]), ({"used": [2]}, [0, 1]), ({"used": [-1]}, [0, 1]),
    ({"used": [True]}, [0, 1]), ({"used": "0"}, [0, 1]), ({}, [0, 1]), (None, [0, 1]), ([0], [0, 1]),
])  # fmt: skip
def test_a_sandbox_that_says_no_such_thing_has_seen_all(said: Any, which: list[int]) -> None:
    assert used(said, AHEAD) == [AHEAD[n] for n in which]


class Told:
    """A sandbox with one child, which is told answers ahead and says that it used the first."""

    def __init__(self) -> None:
        self.idle = [1]
        self.jobs: list[Any] = []
        self._frames = [
            Frame(Kind.RESULT, 1, b'{"returned": {"passed": true}, "used": [0]}'),
            Frame(Kind.ENDED, 1, ended("finished")),
        ]
        self._begun = asyncio.Event()

    async def receive(self) -> Frame:
        await self._begun.wait()
        return self._frames.pop(0)

    async def send(self, kind: Kind, channel: int, value: Any) -> None:
        self.jobs.append(value)
        self._begun.set()


async def test_a_result_is_about_what_was_used() -> None:
    sandbox = Told()
    session = Session(sandbox, lambda _: Files(), lambda _: [COUNT, COMMIT])  # type: ignore[arg-type]
    assert await session.run([(0, policy("x"))]) is None
    assert sandbox.jobs[0]["ahead"] == {COUNT: "files_count", COMMIT: "commit"}
    assert session.outcomes[0].seen == [(COUNT, "digest")]


LOOKS = """
def evaluate(project):
    said = project.get_file_content("README.md") or ""
    number = project.files.count("py") if "count" in said else -1
    return {"passed": True, "score": 50 + number, "message": said, "details": {"there": sorted(project.files.among(["a.py"]))}}
"""


async def test_the_next_commit_is_asked_less_and_judged_the_same(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[str] = []
    answer = Session._answer

    async def counted(self: Session, frame: Frame, running: Any) -> bytes:
        questions.append(frame.body.decode())
        return await answer(self, frame, running)

    monkeypatch.setattr(Session, "_answer", counted)
    looks = policy(LOOKS)
    processes.repository.commit({"README.md": "count\n", "a.py": ""})
    [first] = await processes.run(looks)
    assert first.state is ResultState.PASSED and len(questions) == 3
    processes.repository.commit({"README.md": "count again\n", "b.py": ""})
    [second] = await processes.run(looks)
    assert len(questions) == 3 and (second.score, second.memoised) == (52, False)
    processes.repository.commit({"README.md": "no more\n"})
    [third] = await processes.run(looks)
    assert len(questions) == 3 and third.score == 49 and third.details == {"there": ["a.py"]}
    processes.repository.commit({"c.py": ""})
    [fourth] = await processes.run(looks)
    assert fourth.memoised, "a number that it was told and did not use counts for nothing"
