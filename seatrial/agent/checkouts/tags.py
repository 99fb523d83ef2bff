"""Tags of a repository, as its source has them now: one request for all names, whatever code host it is, and nothing is fetched.

Which of them are in a commit's history is decided in the cache, which has that history whole.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from seatrial.agent.checkouts.comparison import read
from seatrial.agent.checkouts.git import Git
from seatrial.agent.commands.running import TooMuchOutput
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.agent.vocabulary.tree import Tag

MOST_BYTES = 32 << 20  # of the names: some 300,000 tags
LIST_SECONDS = 60.0
LISTED = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?)\trefs/tags/(.+?)(\^\{\})?")


class Named(NamedTuple):
    """A tag as the source lists it."""

    name: str
    commit: str
    annotated: bool


async def nowhere() -> list[Named]:
    """For a commit of a cache whose source nobody knows."""
    raise CheckoutError("the tags of this commit cannot be listed: its source is not known")


async def listed(git: Git, bare: Path, clone_url: str) -> list[Named]:
    """All tags of the source. Raises GitFailed, and CheckoutError for far too many."""
    asked = ("--git-dir", str(bare), "ls-remote", "--quiet", "--tags", "--", clone_url)
    try:
        out = await git.run(*asked, most_bytes=MOST_BYTES, timeout_seconds=LIST_SECONDS)
    except TooMuchOutput as error:
        raise CheckoutError(f"the names of its tags have more than {MOST_BYTES >> 20} MB") from error
    tags: dict[str, Named] = {}
    for line in out.decode(errors="replace").split("\n"):
        match = LISTED.fullmatch(line)
        if match:  # behind an annotated tag, its commit follows
            tags[match[2]] = Named(match[2], match[1], bool(match[3]))
    return list(tags.values())


async def of_history(bare: Path, commit: str, named: Sequence[Named]) -> list[Tag]:
    """Those of commits up to `commit`, the newest commit first. Raises CheckoutError."""
    here = await _commits_here(bare, {one.commit for one in named})
    if not here:
        return []
    asked = "".join(f"{one}\n" for one in sorted(here))
    beyond = await read(bare, "rev-list", "--stdin", stdin=f"{asked}^{commit}\n".encode())
    inside = here - set(beyond.decode().split())
    if not inside:
        return []
    asked = "".join(f"{one}\n" for one in sorted(inside))
    out = await read(
        bare, "log", "--no-walk=unsorted", "--stdin", "--format=%H %ct %cI", stdin=asked.encode()
    )
    times = {
        commit: (-int(seconds), date) for commit, seconds, date in map(str.split, out.decode().splitlines())
    }
    found = [
        (times[one.commit][0], Tag(one.name, one.commit, times[one.commit][1], one.annotated))
        for one in named
        if one.commit in times
    ]
    return [tag for _, tag in sorted(found)]


async def _commits_here(bare: Path, oids: set[str]) -> set[str]:
    """Those of `oids` that are commits and in the cache: a tag of anything else, or of another branch, may not be."""
    asked = "".join(f"{one}\n" for one in sorted(oids)).encode()
    out = (
        await read(bare, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
        if oids
        else b""
    )
    return {words[0] for line in out.decode().splitlines() if (words := line.split())[1:] == ["commit"]}
