"""Detects files kept in git LFS, of which a commit has only pointers."""

import posixpath

from seatrial.agent.vocabulary.tree import Tree

ATTRIBUTES = ".gitattributes"
POINTER = b"version https://git-lfs.github.com/spec/"
LARGEST_POINTER = 1024  # bytes, says its specification
LARGEST_ATTRIBUTES = 100 * 1024
MOST_READ = 100  # attribute files, and a hundred times as many small files: no sensible repository has more


async def pointers(tree: Tree) -> list[str]:
    """A warning if files of the tree are LFS pointers: builds would see only a few lines of text."""
    entries = await tree.entries()
    attributes = [e.path for e in entries if posixpath.basename(e.path) == ATTRIBUTES]
    texts = await tree.read_many(attributes[:MOST_READ], limit=LARGEST_ATTRIBUTES)
    if not any(text and b"filter=lfs" in text for text in texts.values()):
        return []
    small = {e.path: e.shown for e in entries if len(POINTER) < (e.size or 0) <= LARGEST_POINTER}
    contents = await tree.read_many(list(small)[: 100 * MOST_READ], limit=LARGEST_POINTER)
    pointers = [shown for path, shown in small.items() if (contents.get(path) or b"").startswith(POINTER)]
    if not pointers:
        return []
    what = (
        f"{pointers[0]} is a pointer"
        if len(pointers) == 1
        else f"{pointers[0]} and {len(pointers) - 1} more are pointers"
    )
    return [
        f"{what} of git LFS, whose content is not fetched. Commit what is needed without LFS, or fetch it in the build"
    ]
