"""Answers that siblings share."""

import asyncio

import pytest

from seatrial.agent.sandboxes.told import Told
from seatrial.agent.vocabulary.errors import CheckoutError


class Source:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failing = False

    async def answer(self) -> list[str]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failing:
            raise CheckoutError("git was ended")
        return ["README.md"]


async def test_siblings_that_ask_the_same_are_answered_once() -> None:
    told, source = Told(), Source()
    answers = await asyncio.gather(*(told.once("list", source.answer) for _ in range(20)))
    assert source.asked == 1 and {digest for _, digest in answers} == {told.digest("list")}
    assert all(value == ["README.md"] for value, _ in answers)


async def test_what_has_no_room_is_answered_again_and_its_digest_is_known() -> None:
    told, source = Told(most_kept=5), Source()
    for _ in range(2):
        assert await told.once("list", source.answer) == (["README.md"], told.digest("list"))
    assert source.asked == 2


async def test_who_fails_leaves_the_question_to_the_next() -> None:
    told, source = Told(), Source()
    source.failing = True
    with pytest.raises(CheckoutError):
        await told.once("list", source.answer)
    source.failing = False
    assert (await told.once("list", source.answer))[0] == ["README.md"] and source.asked == 2
