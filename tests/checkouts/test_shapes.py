"""Repositories of other shapes than the usual: shallow, SHA-256, with LFS, with authors of no name."""

from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import CheckoutError
from tests import repositories
from tests.checkouts.test_cache import commit, source
from tests.repositories import git

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = repositories.empty(tmp_path / "repo")
    for name in ("one", "two"):
        (directory / name).write_text(name)
        commit(directory, name)
    return directory


async def test_a_shallow_clone_is_reported_until_it_is_completed(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    head = git(shallow, "rev-parse", "HEAD")
    cache = Cache(tmp_path / "cache")
    tree = await cache.fetch(source(shallow), "r1", head)
    assert await tree.read("one") == b"one"
    for asked in (tree.contributors(), tree.last_commit_date("one")):
        with pytest.raises(CheckoutError, match=r"shallow clone.*git fetch --unshallow"):
            await asked
    git(shallow, "fetch", "-q", "--unshallow")
    tree = await cache.fetch(source(shallow), "r1", head)
    assert await tree.contributors() == [("Alice", 2)]
    shallow.rename(tmp_path / "gone")
    assert await (await cache.fetch(source(shallow), "r1", head)).read("one") == b"one"


async def test_a_partial_clone_is_reported_until_it_is_completed(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repository}", "partial")
    partial = tmp_path / "partial"
    head = git(partial, "rev-parse", "HEAD")
    cache = Cache(tmp_path / "cache")
    with pytest.raises(
        CheckoutError, match=r"partial clone, and lacks objects.*git fetch --refetch"
    ) as refused:
        await cache.fetch(source(partial), "r1", head)
    assert refused.value.lasting and len(str(refused.value).splitlines()) == 1
    git(partial, *str(refused.value).partition("there: git ")[2].split(), "-q")
    tree = await cache.fetch(source(partial), "r1", head)
    assert await tree.read_many(["one", "two"]) == {"one": b"one", "two": b"two"}


async def test_a_shallow_source_that_is_away_loses_no_commit(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    head = git(shallow, "rev-parse", "HEAD")
    cache = Cache(tmp_path / "cache")
    await cache.fetch(source(shallow), "r1", head)
    shallow.rename(tmp_path / "gone")
    assert await (await cache.fetch(source(shallow), "r1", head)).read("one") == b"one"


async def test_sha256(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "--object-format=sha256")
    (other / "README.md").write_text("long\n")
    head = commit(other)
    assert len(head) == 64
    cache = Cache(tmp_path / "cache")
    assert await (await cache.fetch(source(other), "r1", head)).read("README.md") == b"long\n"
    old = git(repository, "rev-parse", "HEAD")
    await cache.fetch(source(repository), "r2", old)
    assert await (await cache.fetch(source(other), "r2", head)).read("README.md") == b"long\n", (
        "it was converted"
    )


async def test_an_author_without_a_name(repository: Path, tmp_path: Path) -> None:
    raw = git(repository, "cat-file", "-p", "HEAD").replace("author Alice ", "author  ", 1)
    (tmp_path / "raw").write_text(raw + "\n")
    head = git(repository, "hash-object", "-t", "commit", "-w", "--literally", str(tmp_path / "raw"))
    git(repository, "update-ref", "HEAD", head)
    tree = await Cache(tmp_path / "cache").fetch(source(repository), "r1", head)
    assert await tree.contributors() == [("", 1), ("Alice", 1)]


async def test_files_that_lfs_keeps_elsewhere_are_named(repository: Path, tmp_path: Path) -> None:
    (repository / "Dockerfile").write_text("FROM scratch\n")
    (repository / "a.png").write_text(POINTER)
    head = commit(repository)
    cache = Cache(tmp_path / "cache")
    tree = await cache.fetch(source(repository), "r1", head)
    assert (await read_recipe(tree)).warnings == (), "text like any other without the attribute"
    (repository / ".gitattributes").write_text("*.png filter=lfs diff=lfs merge=lfs -text\n")
    (repository / "b.png").write_text(POINTER)
    (repository / "real.png").write_bytes(b"\x89PNG")
    tree = await cache.fetch(source(repository), "r1", commit(repository))
    assert (await read_recipe(tree)).warnings == (
        "a.png and 1 more are pointers of git LFS, whose content is not fetched. "
        "Commit what is needed without LFS, or fetch it in the build",
    )
