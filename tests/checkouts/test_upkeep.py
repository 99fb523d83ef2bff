"""A git cache contains only what is needed, however old it is; dropped commits are fetched again."""

import asyncio
import os
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from seatrial.agent.checkouts import upkeep
from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.checkouts.git import Git, GitFailed
from seatrial.agent.vocabulary.errors import CheckoutError
from tests.checkouts.test_cache import commit, git, source
from tests.waiting import LIMIT_SECONDS

DAY = 86_400.0
NOBODY: frozenset[str] = frozenset()


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Cache:
    return Cache(tmp_path / "cache", clock=clock)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repo"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "main")
    git(directory, "config", "gc.auto", "0")
    change(directory, "first")
    return directory


def change(directory: Path, text: str) -> str:
    (directory / "README.md").write_text(text)
    return commit(directory, text)


def branched(directory: Path, text: str, *, size: int = 0) -> str:
    """A commit that only its own branch contains."""
    git(directory, "checkout", "-q", "-B", "work", "main")
    (directory / "blob").write_bytes(os.urandom(size))
    head = change(directory, text)
    git(directory, "checkout", "-q", "main")
    return head


def bare(cache: Cache) -> Path:
    return cache.directory / "r1.git"


def references(cache: Cache) -> set[str]:
    return set(git(bare(cache), "for-each-ref", "--format=%(refname)").split())


def has(cache: Cache, head: str) -> bool:
    done = subprocess.run(["git", "cat-file", "-e", head], cwd=bare(cache), check=False, capture_output=True)
    return done.returncode == 0


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def prune(cache: Cache, needed: Collection[str] = NOBODY, *, days: float = 14) -> None:
    await cache.prune(days, lambda: needed)


async def test_commits_unused_for_a_fortnight_are_dropped_and_fetched_again_on_request(
    repository: Path, cache: Cache, clock: Clock
) -> None:
    old, new = branched(repository, "old", size=300_000), change(repository, "new")
    await cache.fetch(source(repository), "r1", old)
    clock.now += 10 * DAY
    await cache.fetch(source(repository), "r1", new)
    await prune(cache)
    assert has(cache, old)
    clock.now += 5 * DAY
    await prune(cache)
    assert references(cache) == {f"refs/seatrial/{new}"} and not has(cache, old)
    assert size_of(bare(cache)) < 100_000
    git(repository, "branch", "again", old)
    assert await (await cache.fetch(source(repository), "r1", old)).read("README.md") == b"old"


async def test_what_is_needed_or_read_stays_however_old(repository: Path, cache: Cache, clock: Clock) -> None:
    desired, read, neither = (branched(repository, name) for name in ("desired", "read", "neither"))
    for head in (desired, neither):
        await cache.fetch(source(repository), "r1", head)
    tree = await cache.fetch(source(repository), "r1", read)
    clock.now += 100 * DAY
    await prune(cache, {desired})
    assert has(cache, desired) and not has(cache, neither)
    assert await tree.read("README.md") == b"read"
    del tree
    await prune(cache, {desired})
    assert references(cache) == {f"refs/seatrial/{desired}"}
    await prune(cache)
    assert not bare(cache).exists()


async def test_the_number_of_commits_kept_for_later_is_limited(
    repository: Path, cache: Cache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MOST_COMMITS", 3)
    heads = [branched(repository, str(number)) for number in range(6)]
    for head in heads:
        await cache.fetch(source(repository), "r1", head)
        clock.now += 1
    await prune(cache, {heads[0]})
    assert references(cache) == {f"refs/seatrial/{head}" for head in [heads[0], *heads[3:]]}


async def test_branches_taken_from_a_server_that_hides_commits_go(
    repository: Path, cache: Cache, clock: Clock
) -> None:
    git(repository, "branch", "other", branched(repository, "other"))
    head = change(repository, "head")
    await cache.fetch(source(repository), "r1", head)
    git(bare(cache), "fetch", "-q", str(repository), "+refs/heads/*:refs/seatrial-heads/*")
    assert "refs/seatrial-heads/other" in references(cache)
    await prune(cache)
    assert references(cache) == {f"refs/seatrial/{head}"}


async def test_a_branch_that_became_a_folder_of_branches_does_not_stand_in_the_way(
    repository: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Cache._fetch

    async def hiding(self: Cache, git: Git, bare: Path, source: object, refspec: str, *more: str) -> None:
        if not refspec.startswith("+refs/heads/"):
            raise GitFailed("fatal: remote error: upload-pack: not our ref")
        await whole(self, git, bare, source, refspec, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Cache, "_fetch", hiding)
    git(repository, "branch", "topic")
    await cache.fetch(source(repository), "r1", git(repository, "rev-parse", "HEAD"))
    git(repository, "branch", "-D", "topic")
    git(repository, "checkout", "-q", "-b", "topic/part")
    head = change(repository, "part")
    assert await (await cache.fetch(source(repository), "r1", head)).read("README.md") == b"part"


async def test_what_a_killed_git_left_goes(repository: Path, cache: Cache, clock: Clock) -> None:
    head = change(repository, "head")
    await cache.fetch(source(repository), "r1", head)
    pack = bare(cache) / "objects" / "pack"
    left = [pack / "tmp_pack_AbCdEf", pack / ".tmp-123-pack-abc.pack", bare(cache) / "packed-refs.lock"]
    left.append(bare(cache) / "refs" / "seatrial" / f"{'a' * 40}.lock")
    for file in left:
        file.write_bytes(b"half")
    scratch = bare(cache) / "index-old"
    scratch.mkdir()
    os.utime(scratch, (0, 0))
    (bare(cache) / "index-new").mkdir()
    await prune(cache)
    assert not [file for file in [*left, scratch] if file.exists()]
    assert (bare(cache) / "index-new").exists(), "somebody may be writing a tree out"


async def test_cancelled_in_the_middle_it_leaves_every_kept_commit_whole_and_is_done_the_next_time(
    repository: Path, cache: Cache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = branched(repository, "old"), change(repository, "new")
    await cache.fetch(source(repository), "r1", old)
    clock.now += 20 * DAY
    await cache.fetch(source(repository), "r1", new)
    repacking = asyncio.Event()
    run = Git.run

    async def stuck(self: Git, *arguments: str, **options: object) -> bytes:
        if "repack" in arguments:
            (bare(cache) / "objects" / "pack" / "tmp_pack_half").write_bytes(b"half")
            repacking.set()
            await asyncio.Event().wait()
        return await run(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "run", stuck)
    pruning = asyncio.create_task(prune(cache))
    async with asyncio.timeout(LIMIT_SECONDS):
        await repacking.wait()
    pruning.cancel()
    await asyncio.gather(pruning, return_exceptions=True)
    monkeypatch.setattr(Git, "run", run)
    assert not list((bare(cache) / "objects" / "pack").glob("tmp_*"))
    assert await (await cache.fetch(source(repository), "r1", new)).read("README.md") == b"new"
    await prune(cache)
    assert not has(cache, old) and has(cache, new)


async def test_fetches_and_readers_go_on_while_it_is_tidied(
    repository: Path, cache: Cache, clock: Clock
) -> None:
    read = await cache.fetch(source(repository), "r1", branched(repository, "read"))
    for number in range(10):
        await cache.fetch(source(repository), "r1", branched(repository, f"old {number}"))
    clock.now += 20 * DAY
    news = [branched(repository, f"new {number}") for number in range(5)]
    *trees, _ = await asyncio.gather(
        *(cache.fetch(source(repository), "r1", head) for head in news), prune(cache)
    )
    texts = [await tree.read("README.md") for tree in trees]
    assert texts == [f"new {number}".encode() for number in range(5)]
    assert await read.read("README.md") == b"read"


async def test_a_shallow_and_a_sha256_cache_are_tidied_like_any_other(
    repository: Path, cache: Cache, clock: Clock, tmp_path: Path
) -> None:
    change(repository, "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    git(tmp_path, "init", "-q", "--object-format=sha256", "-b", "main", "long")
    change(tmp_path / "long", "base")
    for name, directory in (("s", tmp_path / "shallow"), ("l", tmp_path / "long")):
        old = branched(directory, "old")
        await cache.fetch(source(directory), name, old)
        clock.now += 20 * DAY
        new = branched(directory, "new")
        await cache.fetch(source(directory), name, new)
        await prune(cache)
        kept_references = git(cache.directory / f"{name}.git", "for-each-ref", "--format=%(refname)").split()
        assert kept_references == [f"refs/seatrial/{new}"]
        tree = await cache.fetch(source(directory), name, new)
        assert await tree.read("README.md") == b"new"
    with pytest.raises(CheckoutError, match="shallow clone"):
        await (
            await cache.fetch(
                source(tmp_path / "shallow"), "s", git(tmp_path / "shallow", "rev-parse", "work")
            )
        ).contributors()


async def test_a_damaged_cache_nobody_reads_goes_and_the_others_are_tidied(
    repository: Path, cache: Cache, clock: Clock
) -> None:
    for name in ("r0", "r1", "r2"):
        await cache.fetch(source(repository), name, git(repository, "rev-parse", "HEAD"))
    (cache.directory / "r0.git" / "HEAD").write_text("garbage")
    clock.now += 20 * DAY
    await cache.fetch(source(repository), "r2", git(repository, "rev-parse", "HEAD"))
    await prune(cache)
    assert sorted(path.name for path in cache.directory.iterdir()) == ["r2.git"]


async def test_a_cache_of_a_release_that_noted_no_uses_is_as_old_as_its_folder(
    repository: Path, cache: Cache, clock: Clock
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    await cache.fetch(source(repository), "r1", head)
    (bare(cache) / upkeep.USES).unlink()
    await prune(cache)
    assert has(cache, head)
    (bare(cache) / upkeep.USES).unlink()
    os.utime(bare(cache), (0, 0))
    await prune(cache)
    assert not bare(cache).exists()
