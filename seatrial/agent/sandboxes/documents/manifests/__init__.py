"""Manifests: what a project says that it depends on, by ecosystem, in one shape.

Nothing is resolved and nothing is fetched: a manifest says what is written in it, with lines, and whether the lock file beside it knows the
same name, by a version that fits. What cannot be read is an error of that manifest, with its line.
"""

from collections.abc import Callable, Mapping
from posixpath import basename, dirname, join
from typing import Any

from seatrial.agent.sandboxes.documents.manifests import cargo, composer, gems, go, maven, node, python
from seatrial.agent.sandboxes.documents.manifests.shape import MOST_DEPENDENCIES, Found, Unreadable
from seatrial.agent.sandboxes.documents.manifests.sources import is_pinned, source_of
from seatrial.agent.sandboxes.documents.manifests.versions import fits

Reader = Callable[[str, str], Found]
Known = Mapping[str, set[str]]  # the versions of each name in a lock file
READERS: dict[str, tuple[str, Reader]] = {
    "pyproject.toml": ("pyproject", python.pyproject),
    "package.json": ("package", node.package),
    "go.mod": ("go", go.module),
    "Cargo.toml": ("cargo", cargo.crate),
    "pom.xml": ("maven", maven.project),
    "composer.json": ("composer", composer.package),
    "Gemfile": ("gem", gems.gemfile),
}
LOCKS: dict[str, tuple[str, ...]] = {  # beside the manifest, or above it; what says which names they lock
    "pyproject": ("uv.lock", "poetry.lock", "pdm.lock"),
    "package": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
    "go": ("go.sum",),
    "cargo": ("Cargo.lock",),
    "composer": ("composer.lock",),
    "gem": ("Gemfile.lock",),
}
PATTERNS = (*READERS, "*requirements*.txt", "requirements/*.txt")
LOCK_NAMES = tuple(name for names in LOCKS.values() for name in names)


def kind_of(path: str) -> str:
    """Which kind of manifest it is."""
    return READERS[basename(path)][0] if basename(path) in READERS else "requirements"


def lock_of(path: str, present: Mapping[str, Any]) -> str | None:
    """The lock file for the manifest: in its folder, or in the nearest folder above it."""
    folder = dirname(path)
    while True:
        for name in LOCKS.get(kind_of(path), ()):
            if (at := join(folder, name)) in present:
                return at
        if not folder:
            return None
        folder = dirname(folder)


def locked(kind: str, text: str) -> Known:
    """What a lock file for such manifests holds."""
    return LOCKED[kind](text)


def manifest(path: str, text: str, known: Known | None = None, lock: str | None = None) -> dict[str, Any]:
    """`{"path", "kind", "name", "lock", "dependencies", "errors"}`; `known` is what its lock file holds, if there is one that can be
    read, and `lock` where it is."""
    reader = READERS[basename(path)][1] if basename(path) in READERS else python.requirements
    try:
        found = reader(path, text)
    except Unreadable as error:
        return unread(path, str(error), error.line)
    kept = found.dependencies[:MOST_DEPENDENCIES]
    if len(kept) < len(found.dependencies):
        found.errors.append(
            {
                "line": None,
                "message": f"{len(found.dependencies):,} dependencies; {MOST_DEPENDENCIES:,} are read",
            }
        )
    for one in kept:
        if known is not None:
            one["locked"] = one["name"] in known and fits(kind_of(path), one["spec"], known[one["name"]])
        one.setdefault("locked", None)
        one["source"] = source_of(kind_of(path), one["spec"])
        one["pinned"] = is_pinned(kind_of(path), one["source"], one["spec"])
    return {
        "path": path,
        "kind": kind_of(path),
        "name": found.name,
        "lock": lock,
        "dependencies": kept,
        "errors": found.errors,
    }


def unread(path: str, why: str, line: int | None = None) -> dict[str, Any]:
    """A manifest of which nothing is known, and why."""
    error = {"line": line, "message": why}
    return {
        "path": path,
        "kind": kind_of(path),
        "name": "",
        "lock": None,
        "dependencies": [],
        "errors": [error],
    }


LOCKED: dict[str, Callable[[str], dict[str, set[str]]]] = {
    "pyproject": python.locked,
    "package": node.locked,
    "go": go.locked,
    "cargo": cargo.locked,
    "composer": composer.locked,
    "gem": gems.locked,
}
