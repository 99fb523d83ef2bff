"""However many commits are fetched over the weeks, a cache stays about as large as a fresh clone of what it keeps."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from tests.checkouts.test_cache import git, source
from tests.checkouts.test_upkeep import (
    DAY,
    Clock,
    bare,
    cache,
    clock,
    prune,
    references,
    repository,
    size_of,
)

__all__ = ["cache", "clock", "repository"]
DAYS, A_DAY = 20, 25  # more a day need only more time: five processes for each


@pytest.mark.slow
async def test_after_three_weeks_of_commits_a_cache_is_about_a_fresh_clone(
    repository: Path, cache: Cache, clock: Clock, tmp_path: Path
) -> None:
    """On each of twenty days, pull requests that leave 20 KB each that nothing else has."""
    await asyncio.to_thread(history, repository, DAYS * A_DAY)
    heads = git(repository, "for-each-ref", "--format=%(objectname)", "refs/heads/pulls").split()
    for day in range(DAYS):
        for head in heads[A_DAY * day : A_DAY * (day + 1)]:
            await cache.fetch(source(repository), "r1", head)
        clock.now += DAY
        await prune(cache, days=2)
        assert len(references(cache)) <= 3 * A_DAY
    clock.now += DAY
    await prune(cache, days=2)
    for head in heads[-A_DAY:]:
        git(repository, "update-ref", f"refs/heads/kept/{head}", head)
    git(tmp_path, "clone", "-q", "--bare", "--no-local", f"file://{repository}", "everything")
    git(tmp_path, "init", "-q", "--bare", "fresh")
    wanted = ["main", "refs/heads/kept/*:refs/heads/kept/*"]
    git(tmp_path / "fresh", "fetch", "-q", f"file://{repository}", *wanted)
    assert references(cache) == {f"refs/seatrial/{head}" for head in heads[-A_DAY:]}
    everything, fresh = size_of(tmp_path / "everything"), size_of(tmp_path / "fresh")
    assert everything > 10 * fresh, "the test is about nothing"
    assert size_of(bare(cache)) < 1.2 * fresh + 50_000
    packs = [pack for pack in (bare(cache) / "objects" / "pack").iterdir() if pack.suffix == ".pack"]
    loose = list((bare(cache) / "objects").glob("??/*"))
    assert len(packs) == 1 and not loose


def history(repository: Path, count: int) -> None:
    """`count` branches beside `main`, each with a file of its own, by git's fastest way."""
    stream = bytearray()
    for number in range(count):
        data = os.urandom(20_000)
        stream += f"commit refs/heads/pulls/{number:04}\ncommitter Ada <a@b.test> {1_700_000_000 + number} +0000\n".encode()
        stream += b"data 4\nwork\nfrom refs/heads/main^0\nM 100644 inline blob\n"
        stream += f"data {len(data)}\n".encode() + data + b"\n"
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repository, input=bytes(stream), check=True)
