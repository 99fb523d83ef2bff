"""Answers policies' questions about the change that is evaluated: its files, its diff, its commits."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.vocabulary.tree import Changed, Tree

MOST_CHANGED = 20_000  # files
MOST_DIFF = 1 << 20  # bytes of one answer
MOST_FILE = 200_000  # bytes of one file's diff
AT_ONCE = 50  # files that git is asked about together
MOST_HISTORY = 1_000  # commits


@dataclass(frozen=True)
class Change:
    """What is evaluated, and why. `base`: the commit to compare with, empty if unknown. `number`: of the pull request."""

    event: str = ""
    commit: str = ""
    base: str = ""
    ref: str = ""
    number: int | None = None


BaseTree = Callable[[], Awaitable[Tree]]  # fetches the base; raises CheckoutError


class Comparing:
    """The commit compared with its base, which is fetched when somebody asks for it first. Raises CheckoutError."""

    def __init__(self, tree: Tree, base_tree: BaseTree | None) -> None:
        self._tree = tree
        self._base_tree = base_tree
        self._base: Tree | None = None
        self._changed: list[Changed] | None = None

    async def files(self) -> list[dict[str, str]] | None:
        """`[{path, kind, old_path}]`; None without a base."""
        changed = await self._changes()
        if changed is None:
            return None
        return [one._asdict() for one in changed]

    async def diff(self, *paths: str) -> dict[str, Any] | None:
        """`{diff, left_out}`: the diff of all changed files or of this one, and the paths of those for which there was no room."""
        changed = await self._changes()
        if changed is None:
            return None
        asked = [one for one in changed if not paths or paths[0] in (one.path, one.old_path)]
        text, left_out = "", list[str]()
        for start in range(0, len(asked), AT_ONCE):
            batch = asked[start : start + AT_ONCE]
            room = MOST_DIFF - len(text)
            whole = await self._diff(batch, room) if room > 0 else None
            for one in batch if whole is None else ():
                room = min(MOST_DIFF - len(text), MOST_FILE)
                alone = await self._diff([one], room) if room > 0 else None
                text += alone or ""
                left_out += [one.path] if alone is None else []
            text += whole or ""
        return {"diff": text, "left_out": left_out}

    async def history(self, limit: str = "100") -> list[dict[str, Any]]:
        """The commits of the change, newest first; without a base, the newest of all."""
        most = limited(limit)
        return [one._asdict() for one in await self._tree.history(await self._known_base(), most)]

    async def _changes(self) -> list[Changed] | None:
        if self._changed is None:
            base = await self._known_base()
            if base is None:
                return None
            self._changed = await self._tree.changes(base)
        if len(self._changed) > MOST_CHANGED:
            raise Unanswerable(f"{len(self._changed):,} files are changed; at most {MOST_CHANGED:,} are told")
        return self._changed

    async def _known_base(self) -> Tree | None:
        if self._base is None and self._base_tree is not None:
            self._base = await self._base_tree()
        return self._base

    async def _diff(self, changed: Sequence[Changed], limit: int) -> str | None:
        base = await self._known_base()
        assert base is not None
        paths = [path for one in changed for path in (one.path, one.old_path) if path]
        return await self._tree.diff(base, paths, limit)


def limited(limit: str) -> int:
    """How many commits or tags are asked for. Raises Unanswerable."""
    if not str(limit).isdecimal() or not 0 < int(limit[:9]) <= MOST_HISTORY:
        raise Unanswerable(f"a limit is a number from 1 to {MOST_HISTORY:,}")
    return int(limit)
