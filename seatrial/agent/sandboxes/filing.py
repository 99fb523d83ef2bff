"""`project.files`: what a policy asks of a commit's files without being given them all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.sandboxes.reading import Reading

T = TypeVar("T")
QUESTIONS = "files_"  # how their names begin
SMALL = 256 << 10  # bytes of all paths: some 5,000 files
PART = 2 << 20  # characters of the paths that are given at once


class Filing:
    """The answers, whose names are those of the questions. Arguments are texts. Raises Unanswerable; CheckoutError when git fails."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def answers(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """Each by its question."""
        return {name: getattr(self, name) for name in vars(Filing) if name.startswith(QUESTIONS)}

    async def files_count(self, pattern: str = "", unless: str = "") -> int:
        """How many there are; with a pattern, in whose paths it is found, and the other one is not."""
        names = await self._reading.names()
        if not (pattern or unless):
            return len(names.paths)
        return await self._worked(names.count, pattern, unless)

    async def files_matching(self, pattern: str, unless: str = "", most: str = "") -> list[str]:
        """Those in whose paths the pattern is found, and the other one is not; the first of them."""
        names = await self._reading.names()
        return await self._worked(names.meant, pattern, unless, number(most) if most else None)

    async def files_among(self, paths: list[str]) -> list[str]:
        """Those of `paths` that are there; with / at their end, folders."""
        return await self._worked((await self._reading.names()).among, paths)

    async def _worked(self, work: Callable[..., T], *arguments: Any) -> T:
        """What takes a millisecond is done at once, because a thread would take longer."""
        if (await self._reading.names()).size < SMALL:
            return work(*arguments)
        return await asyncio.to_thread(work, *arguments)

    async def files_part(self, begin: str) -> dict[str, Any]:
        """`{paths, next}`: some, from this place on, and where to go on, None at the end."""
        paths = (await self._reading.names()).paths
        first = place = number(begin)
        room = PART
        while place < len(paths) and room > 0:
            room -= len(paths[place])
            place += 1
        return {"paths": paths[first:place], "next": place if place < len(paths) else None}

    async def files_sizes(self, pattern: str, above: str, below: str) -> dict[str, int]:
        """The bytes of those regular files that have more than `above`, and less than `below` if there is one."""
        least, most, sizes = number(above), number(below) if below else None, await self._reading.sizes()
        meant = await self.files_matching(pattern) if pattern else sizes
        found = ((path, sizes[path]) for path in meant if path in sizes)
        return {path: size for path, size in found if size > least and (most is None or size < most)}

    async def files_sizes_of(self, paths: list[str]) -> dict[str, int]:
        """The bytes of those of `paths` that are regular files."""
        sizes = await self._reading.sizes()
        return {path: sizes[path] for path in paths if path in sizes}


def number(text: str) -> int:
    """A number as it travels."""
    if not isinstance(text, str) or not text.removeprefix("-").isdecimal():
        raise Unanswerable(f"{text!r} is no whole number")
    return int(text)
