"""How policies' questions are answered: one after another, for as long as the host itself does not fail."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.agent.sandboxes import budget
from seatrial.agent.sandboxes.frames import Frame, Kind
from seatrial.agent.sandboxes.outcome import Ending
from seatrial.agent.sandboxes.session import MANY, Session
from tests.sandboxes.conftest import policy

Count = Callable[[int], None]
ASK = json.dumps(["list_files", []]).encode()
RESULT = json.dumps({"returned": {"passed": True}}).encode()


def ended(how: str) -> bytes:
    return json.dumps({"how": how, "code": 0, "seconds": 0.1, "output": ""}).encode()


class Quick:
    """A sandbox with one child, which asks `questions` times: its next question is there before an answer's sender goes on."""

    def __init__(self, questions: int, *, at_once: int = 1) -> None:
        self.idle = [1]
        self.sent: list[Kind] = []
        self.bodies: list[bytes] = []
        self._left = questions
        self._at_once = at_once
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()

    async def receive(self) -> Frame:
        return await self._frames.get()

    async def send(self, kind: Kind, channel: int, value: Any) -> None:
        await self.send_body(kind, channel, b"")

    async def send_body(self, kind: Kind, channel: int, body: bytes, count: Count = lambda _: None) -> None:
        count(100)
        self.sent.append(kind)
        self.bodies.append(body)
        if kind == Kind.STOP:
            self._frames.put_nowait(Frame(Kind.ENDED, 1, ended("stopped")))
        elif self._left:
            self._left -= 1
            for _ in range(self._at_once):
                self._frames.put_nowait(Frame(Kind.ASK, 1, ASK))
        else:
            self._frames.put_nowait(Frame(Kind.RESULT, 1, RESULT))
            self._frames.put_nowait(Frame(Kind.ENDED, 1, ended("finished")))
        for _ in range(5):
            await asyncio.sleep(0)  # everybody else goes on meanwhile, as while a pipe drains


class Files:
    """There is one file."""

    async def answer(self, question: Any) -> tuple[Any, list[tuple[str, str]]]:
        return ["README.md"], [(json.dumps(question), "digest")]


async def test_thousands_of_quick_questions_are_answered_one_by_one() -> None:
    sandbox = Quick(5_000)
    session = Session(sandbox, lambda _: Files())
    assert await session.run([(0, policy("x"))]) is None
    assert session.outcomes[0].how is Ending.FINISHED and len(session.outcomes[0].seen) == 5_000
    assert sandbox.sent.count(Kind.ANSWER) == 5_000


class Listing:
    """There are many files."""

    async def answer(self, question: Any) -> tuple[Any, list[tuple[str, str]]]:
        return [f"{number}.py" for number in range(MANY)], [(json.dumps(question), "digest")]


async def test_a_listing_is_encoded_once_for_all_who_ask() -> None:
    sandbox = Quick(2)
    assert await Session(sandbox, lambda _: Listing()).run([(0, policy("x"))]) is None
    _, first, second = sandbox.bodies
    assert first is second and len(json.loads(first)["value"]) == MANY


async def test_many_questions_at_once_lose_the_sandbox() -> None:
    session = Session(Quick(1, at_once=3), lambda _: Files())
    assert await session.run([(0, policy("x"))]) == "a further question before the first was answered"
    assert session.suspects == [0]


async def test_a_policy_that_never_stops_asking_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MOST_QUESTIONS", 100)
    sandbox = Quick(1_000)
    session = Session(sandbox, lambda _: Files())
    assert await session.run([(0, policy("x"))]) is None
    outcome = session.outcomes[0]
    assert (outcome.how, outcome.again) == (Ending.STOPPED, False)
    assert outcome.note == "asked more than 100 questions and was ended" and sandbox.sent[-1] is Kind.STOP


class Slow(Files):
    """Answers never."""

    async def answer(self, question: Any) -> tuple[Any, list[tuple[str, str]]]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_policy_that_asks_for_too_much_of_the_host_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MOST_SECONDS", 0.2)
    session = Session(Quick(1), lambda _: Slow())
    assert await session.run([(0, policy("x", timeout_seconds=0.0))]) is None
    outcome = session.outcomes[0]
    assert (outcome.how, outcome.again) == (Ending.STOPPED, False)
    assert outcome.note.startswith("its questions took the host more than 0 s. Ask for less")


@pytest.mark.parametrize(
    ("limit", "most", "method", "note"),
    [
        ("MOST_OF_HISTORY", 10, "get_diff", "asked more than 10 questions about history and was ended"),
        (
            "MOST_BYTES",
            1_000,
            "get_topics",
            "was given more than 0 MB of answers and was ended. Ask for less",
        ),
    ],
)
async def test_each_policy_has_a_budget_of_its_hosts_work(
    limit: str, most: int, method: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, limit, most)
    monkeypatch.setitem(globals(), "ASK", json.dumps([method, []]).encode())
    sandbox = Quick(1_000)
    session = Session(sandbox, lambda _: Files())
    assert await session.run([(0, policy("x"))]) is None
    assert session.outcomes[0].how is Ending.STOPPED and session.outcomes[0].note.startswith(note)
    assert sandbox.sent.count(Kind.ANSWER) == 10


class Two(Quick):
    """Beside the child that never stops asking there is one that asks three times."""

    def __init__(self) -> None:
        super().__init__(100_000)
        self.idle = [1, 2]
        self.others = 3
        self.meanwhile = 0  # answers that the first was given until the second had all of its own

    async def send_body(self, kind: Kind, channel: int, body: bytes, count: Count = lambda _: None) -> None:
        if channel == 1:
            self.meanwhile += bool(self.others)
            return await super().send_body(kind, channel, body, count)
        self.others -= kind is Kind.ANSWER
        for what, body in [(Kind.ASK, ASK)] if self.others else [(Kind.ENDED, ended("finished"))]:
            self._frames.put_nowait(Frame(what, 2, body))
        return None


async def test_who_asks_without_end_holds_up_no_sibling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MOST_QUESTIONS", 1_000)
    sandbox = Two()
    session = Session(sandbox, lambda _: Files())
    assert await session.run([(0, policy("x")), (1, policy("y"))]) is None
    assert session.outcomes[0].how is Ending.STOPPED and session.outcomes[1].how is Ending.FINISHED
    assert sandbox.meanwhile < 20, "they take turns"
