"""Paths inside a repository, as a recipe writes them."""

import posixpath
import re

from seatrial.agent.recipes.document import Document, Path


def inside(document: Document, key: Path, path: str, *, base: str = "") -> str:
    """`path` from the folder `base`, as a path of the repository. Raises RecipeError when it is absolute, a URL or climbs out."""
    if re.match(r"[a-z+]+://|git@|[\w.-]+\.git(#|$)", path):
        document.fail(key, f"{path} is a remote address", "Only folders of this repository can be built")
    clean = join(base, path.strip() or ".")
    if path.startswith(("/", "~")) or clean == ".." or clean.startswith("../"):
        document.fail(key, f"{path} is outside the repository", "Give a path below the repository's root")
    return clean


def join(*parts: str) -> str:
    """One normalised path; `.` for the root."""
    return posixpath.normpath(posixpath.join(*parts))
