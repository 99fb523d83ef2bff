"""Tidies one bare cache: it keeps references to needed commits, and only the objects of those."""

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from seatrial import files
from seatrial.agent.checkouts.git import Git

USES = "uses.json"
UNTIDY = "untidy"  # stays until a repack is complete, even if another agent completes it
MOST_COMMITS = (
    200  # commits kept although not needed, in case they are requested again; each is one reference
)
REPACK_SECONDS = 3_600.0
MOST_PACKS = 20
MOST_LOOSE = 2_000
OURS = "refs/seatrial"
BRANCHES = "refs/seatrial-heads"
# A large repository must not starve builds of memory and processors.
CAREFUL = ("-c", "pack.threads=1", "-c", "pack.windowMemory=64m")


def note_use(bare: Path, commit: str, at: float) -> None:
    """Record that `commit` was requested. The caller holds the repository's lock."""
    files.replace(bare / USES, json.dumps({**uses(bare), commit: at}), mode=0o600)


def uses(bare: Path) -> Mapping[str, float]:
    """When each commit was last requested."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        noted: dict[str, float] = json.loads((bare / USES).read_text())
        return noted
    return {}


async def tidy(bare: Path, oldest: float, needed: Collection[str]) -> bool:
    """Keep `needed`, and of the rest the newest MOST_COMMITS that were requested since `oldest`; drop all other commits
    with the objects that only they had. Returns whether any commit is left; if not, `bare` itself may be removed.

    The caller holds the repository's lock. Concurrent readers of kept commits are not disturbed. Idempotent: after a
    cancellation or kill at any point, the kept commits are complete, and the next call does the rest.
    """
    remove_leftovers(bare)
    refs = await _references(bare)
    commits = {name.removeprefix(f"{OURS}/") for name in refs if name.startswith(f"{OURS}/")}
    known = uses(bare) or _as_old_as_itself(bare, commits)
    kept = _kept({commit: known.get(commit, 0.0) for commit in commits}, oldest, needed)
    dropped = [name for name in refs if name.removeprefix(f"{OURS}/") not in kept]
    if kept:
        if dropped or await _piled_up(bare):
            (bare / UNTIDY).touch()
        await _drop(bare, dropped)
        files.replace(bare / USES, json.dumps({c: known.get(c, 0.0) for c in kept}), mode=0o600)
        if (bare / UNTIDY).exists():
            await _repack(bare)
            (bare / UNTIDY).unlink()
    return bool(kept)


def remove_leftovers(bare: Path) -> None:
    """Remove what a killed git left: lock files and halves of packs. The caller holds the only lock that counts."""
    for left in _leftovers(bare):
        with contextlib.suppress(IsADirectoryError):
            left.unlink(missing_ok=True)
    # Trees are exported without the lock: only files older than any export are certainly abandoned.
    files.remove_abandoned([*bare.glob("index-*"), *bare.glob(".*.new"), *(bare / "info").glob(".*.new")])


def _as_old_as_itself(bare: Path, commits: Collection[str]) -> Mapping[str, float]:
    """Uses for a cache without notes, made by an earlier release: every commit counts as used when the newest was made."""
    return dict.fromkeys(commits, bare.stat().st_mtime)


def _leftovers(bare: Path) -> Iterator[Path]:
    objects = bare / "objects"
    yield from bare.glob("*.lock")
    yield bare / "packed-refs.new"
    for folder in (bare / "refs", objects / "info", objects / "pack"):
        yield from folder.rglob("*.lock")
    for pattern in ("pack/tmp_*", "pack/.tmp-*", "[0-9a-f][0-9a-f]/tmp_obj_*"):
        yield from objects.glob(pattern)


def _kept(asked: Mapping[str, float], oldest: float, needed: Collection[str]) -> set[str]:
    recent = sorted((at, commit) for commit, at in asked.items() if at >= oldest and commit not in needed)
    return {commit for _, commit in recent[-MOST_COMMITS:]} | (asked.keys() & set(needed))


async def _references(bare: Path) -> list[str]:
    names = ("for-each-ref", "--format=%(refname)", OURS, BRANCHES)
    return (await Git().run("--git-dir", str(bare), *names)).decode().split()


async def _drop(bare: Path, names: Collection[str]) -> None:
    """Drop all references in `names`, or none of them."""
    if names:
        orders = "".join(f"delete {name}\n" for name in names).encode()
        await Git().run("--git-dir", str(bare), "update-ref", "--no-deref", "--stdin", stdin=orders)


async def _piled_up(bare: Path) -> bool:
    counted = (await Git().run("--git-dir", str(bare), "count-objects", "-v")).decode()
    counts = {name: int(number) for name, number in re.findall(r"^([a-z-]+): (\d+)$", counted, re.MULTILINE)}
    return counts["packs"] > MOST_PACKS or counts["count"] > MOST_LOOSE


async def _repack(bare: Path) -> None:
    """Pack all reachable objects into one pack. The new pack is in place before an old one goes, so readers find everything."""
    try:
        for orders in (("pack-refs", "--all"), ("repack", "-a", "-d", "-q"), ("prune", "--expire=now")):
            await Git().run("--git-dir", str(bare), *CAREFUL, *orders, timeout_seconds=REPACK_SECONDS)
    finally:
        remove_leftovers(bare)
