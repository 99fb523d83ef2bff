"""A commit made of a few files, without a repository behind it."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from seatrial.agent.vocabulary.tree import Entry


class Files:
    """A `Tree` of given texts. `-> target` makes a symbolic link."""

    commit = "0" * 40

    def __init__(self, **files: str) -> None:
        self.files = {name: textwrap.dedent(text).lstrip("\n") for name, text in files.items()}

    async def entries(self) -> Sequence[Entry]:
        return [
            Entry(path, "120000" if re.match("-> ", text) else "100644", "0" * 40, len(text))
            for path, text in sorted(self.files.items())
        ]

    async def read(self, path: str, *, limit: int = 10_000_000) -> bytes | None:
        text = self.files.get(path)
        return (
            None
            if text is None or text.startswith("-> ") or len(text) > limit
            else text.encode("utf-8", "surrogatepass")
            if max(text, default="") > "\xff"
            else text.encode("latin-1")
        )

    async def read_many(self, paths: Sequence[str], *, limit: int = 10_000_000) -> dict[str, bytes | None]:
        return {path: await self.read(path, limit=limit) for path in paths}

    async def last_commit_date(self, path: str) -> str | None:
        return None

    async def contributors(self) -> list[tuple[str, int]]:
        return []

    async def export(self, destination: Path) -> None:
        raise AssertionError("reading a recipe exports no tree")
