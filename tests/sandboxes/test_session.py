"""How policies' questions are answered: one after another, for as long as the host itself does not fail."""

import asyncio
import json
from typing import Any

import pytest

from seatrial.agent.sandboxes import session as sessions
from seatrial.agent.sandboxes.frames import Frame, Kind
from seatrial.agent.sandboxes.outcome import Ending
from seatrial.agent.sandboxes.session import Session
from tests.sandboxes.conftest import policy

ASK = json.dumps(["list_files", []]).encode()
RESULT = json.dumps({"returned": {"passed": True}}).encode()


def ended(how: str) -> bytes:
    return json.dumps({"how": how, "code": 0, "seconds": 0.1, "output": ""}).encode()


class Quick:
    """A sandbox with one child, which asks `questions` times: its next question is there before an answer's sender goes on."""

    def __init__(self, questions: int, *, at_once: int = 1) -> None:
        self.idle = [1]
        self.sent: list[Kind] = []
        self._left = questions
        self._at_once = at_once
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()

    async def receive(self) -> Frame:
        return await self._frames.get()

    async def send(self, kind: Kind, channel: int, value: Any) -> None:
        self.sent.append(kind)
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


async def test_many_questions_at_once_lose_the_sandbox() -> None:
    session = Session(Quick(1, at_once=3), lambda _: Files())
    assert await session.run([(0, policy("x"))]) == "a further question before the first was answered"
    assert session.suspects == [0]


async def test_a_policy_that_never_stops_asking_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_QUESTIONS", 100)
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
    monkeypatch.setattr(sessions, "HOST_SECONDS", 0.2)
    session = Session(Quick(1), lambda _: Slow())
    assert await session.run([(0, policy("x", timeout_seconds=0.0))]) is None
    outcome = session.outcomes[0]
    assert (outcome.how, outcome.again) == (Ending.STOPPED, False)
    assert outcome.note.startswith("its questions took the host more than 0 s. Ask for less")
