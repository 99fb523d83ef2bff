"""Facts that the host reads itself, with libraries and data: no program, no sandbox, nothing but text (ADR 63).

A reader says something of each file that concerns it, whatever the other files say. Reading is bounded, and what was not read is told.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.sandboxes.classes import class_of
from seatrial.agent.sandboxes.facts import dockerfile, licences, lifetimes, runtimes
from seatrial.agent.sandboxes.facts.inputs import Inputs, inputs_of
from seatrial.agent.sandboxes.reading import Reading
from seatrial.wire.evaluations import ToolRun

MOST_FILES = 1_000
MOST_BYTES = 8 << 20  # of all files of one fact
BATCH = 1 << 20  # bytes of files that are read together
MOST_BYTES_OF_DOCKERFILE = 256 << 10  # as builds take them
MOST_SAID = 5_000


@dataclass(frozen=True)
class Reader:
    """`read` says what is in one file: a list, each of whose entries names its path. It raises nothing, whatever the text is."""

    name: str
    says_version: Callable[[], str]  # another one may say something else of the same files
    key: str  # what its list is called in the fact
    patterns: Sequence[str]  # as in .gitignore
    read: Callable[[str, str], list[dict[str, Any]]]
    most_bytes: int = 1 << 20  # of one file

    @property
    def version(self) -> str:
        """Of its library, and of its data."""
        return self.says_version()

    @property
    def known_by(self) -> str:
        """What its answers depend on beside the files."""
        return f"{self.name} {self.version}"


@dataclass
class ReadFact:
    """What a reader says of a commit, and how much it read."""

    reader: Reader
    files: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def answer(self) -> dict[str, Any]:
        """As policies are given it."""
        return {
            "tool": self.reader.name,
            "version": self.reader.version,
            "files": self.files,
            "left_out": self.left_out,
            self.reader.key: self.said,
        }

    @property
    def run(self) -> ToolRun:
        """As it is told of each result that had it."""
        return ToolRun(
            tool=self.reader.name,
            version=self.reader.version,
            files=self.files,
            left_out=len(self.left_out),
            findings=len(self.said),
            seconds=self.seconds,
        )


class Readings:
    """The facts of one commit that are read: each once, whoever asks. Raises CheckoutError."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._facts: dict[str, ReadFact] = {}
        self._at_it = asyncio.Lock()  # for what takes processor time: one at a time

    async def known_by(self, reader: Reader) -> str:
        """What a fact depends on, without reading anything."""
        return f"{reader.known_by} {(await self._inputs(reader)).digest}"

    async def fact(self, reader: Reader) -> ReadFact:
        """What `reader` says of the commit."""
        async with self._at_it:
            if reader.name not in self._facts:
                self._facts[reader.name] = await self._read(reader)
            return self._facts[reader.name]

    async def _inputs(self, reader: Reader) -> Inputs:
        return await inputs_of(
            self._reading,
            reader.patterns,
            most=MOST_BYTES,
            most_of_one=reader.most_bytes,
            most_files=MOST_FILES,
        )

    async def _read(self, reader: Reader) -> ReadFact:
        began = time.monotonic()
        inputs = await self._inputs(reader)
        fact = ReadFact(reader, left_out=dict(inputs.left_out))
        paths = [entry.path for entry in inputs.entries]
        while paths:
            answer, _ = await self._reading.contents(paths, BATCH)
            paths = paths[answer["done"] :]
            fact.left_out |= answer["left_out"]
            for path, text in answer["files"].items():
                if len(fact.said) >= MOST_SAID:
                    fact.left_out[path] = f"{reader.name} had said {MOST_SAID:,} things"
                    continue
                fact.files += 1
                fact.said += [
                    {**one, "class": class_of(path)}
                    for one in await asyncio.to_thread(reader.read, path, text)
                ]
        fact.seconds = round(time.monotonic() - began, 3)
        return fact


LICENCES = "2026.10.0"  # of the library, see requirements/base.in: another one may know another licence
READERS = {
    reader.name: reader
    for reader in (
        Reader(
            "dockerfile",
            lambda: "1",
            "dockerfiles",
            dockerfile.PATTERNS,
            dockerfile.read,
            MOST_BYTES_OF_DOCKERFILE,
        ),
        Reader(
            "licences", lambda: LICENCES, "licences", licences.PATTERNS, licences.read, licences.MOST_BYTES
        ),
        Reader("runtimes", lambda: lifetimes.data().version, "runtimes", runtimes.PATTERNS, runtimes.read),
    )
}
