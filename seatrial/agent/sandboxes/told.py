"""Answers that policies of one evaluation share: each question is answered once, and whoever asks it meanwhile waits."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

MOST_KEPT = 16 << 20  # characters of all answers that are kept, as JSON


class Told:
    """Answers by their questions, and the digest of each. The first are kept, as far as there is room; digests
    always."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._room = most_kept
        self._kept: dict[str, Any] = {}
        self._digests: dict[str, str] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def digest(self, asked: str) -> str | None:
        """The digest of the answer, if it was given before."""
        return self._digests.get(asked)

    async def once(self, asked: str, answer: Callable[[], Awaitable[Any]]) -> tuple[Any, str]:
        """The value and its digest. Nobody changes the value. Where `answer` raises, the next who asks tries again."""
        turn = self._turns.setdefault(asked, asyncio.Lock())
        async with turn:
            if asked in self._kept:
                return self._kept[asked], self._digests[asked]
            value = await answer()
            text = json.dumps(value, sort_keys=True)
            self._digests[asked] = hashlib.sha256(text.encode()).hexdigest()
            if len(text) <= self._room:
                self._room -= len(text)
                self._kept[asked] = value
            return value, self._digests[asked]
