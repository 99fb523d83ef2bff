"""Fetching commits from real repositories with real git."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.checkouts.git import Git
from seatrial.agent.commands.running import Finished
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.deployments import Source
from tests import repositories
from tests.repositories import git


def commit(directory: Path, message: str = "change") -> str:
    return repositories.commit(directory, {}, message)


def give_away(directory: Path) -> None:
    subprocess.run(["chown", "-R", "65534:65534", str(directory)], check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = repositories.empty(tmp_path / "repo")
    (directory / "README.md").write_text("hello\n")
    (directory / "sub dir").mkdir()
    (directory / "sub dir" / "größe.txt").write_text("x" * 100)
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "outside").symlink_to("/etc/passwd")
    commit(directory, "first")
    return directory


def source(directory: Path) -> Source:
    return Source(clone_url=str(directory))


async def test_reads_files_of_exactly_that_commit(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    (repository / "README.md").write_text("changed\n")
    second = commit(repository)
    cache = Cache(tmp_path / "cache")
    old, new = await asyncio.gather(
        cache.fetch(source(repository), "r1", first), cache.fetch(source(repository), "r1", second)
    )
    assert await old.read("README.md") == b"hello\n"
    assert await new.read("README.md") == b"changed\n"
    assert [entry.path for entry in await old.entries()] == [
        "README.md",
        "outside",
        "run.sh",
        "sub dir/größe.txt",
    ]
    assert await old.read("sub dir/größe.txt") == b"x" * 100
    assert await old.read("sub dir/größe.txt", limit=99) is None
    assert await old.read("sub dir") is None
    assert await old.read("nowhere") is None


async def test_a_symlink_is_never_followed(repository: Path, tmp_path: Path) -> None:
    tree = await Cache(tmp_path / "cache").fetch(
        source(repository), "r1", git(repository, "rev-parse", "HEAD")
    )
    assert await tree.read("outside") is None
    await tree.export(tmp_path / "out")
    assert (tmp_path / "out" / "outside").is_symlink()


async def test_export_is_exact_in_spite_of_attributes(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitattributes").write_text(
        "README.md export-ignore\n*.crlf text eol=crlf\n*.id ident\n*.f filter=evil\n"
    )
    (repository / "a.crlf").write_bytes(b"one\ntwo\n")
    (repository / "b.id").write_bytes(b"$Id$\n")
    (repository / "c.f").write_bytes(b"raw\n")
    tree = await Cache(tmp_path / "cache").fetch(source(repository), "r1", commit(repository))
    out = tmp_path / "out"
    await tree.export(out)
    assert (out / "README.md").read_text() == "hello\n"
    assert (out / "a.crlf").read_bytes() == b"one\ntwo\n"
    assert (out / "b.id").read_bytes() == b"$Id$\n"
    assert (out / "c.f").read_bytes() == b"raw\n"
    assert os.access(out / "run.sh", os.X_OK)
    assert not (out / ".git").exists()
    with pytest.raises(CheckoutError, match="not empty"):
        await tree.export(out)


async def test_hooks_and_configuration_of_the_repository_do_nothing(repository: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    for name in ("post-checkout", "pre-upload-pack", "reference-transaction", "post-update"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
        hook.chmod(0o755)
    git(repository, "config", "uploadpack.packObjectsHook", f"touch {marker}; ")
    git(repository, "config", "core.fsmonitor", f"touch {marker}")
    tree = await Cache(tmp_path / "cache").fetch(
        source(repository), "r1", git(repository, "rev-parse", "HEAD")
    )
    await tree.export(tmp_path / "out")
    assert not marker.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a repository to another user")
async def test_a_repository_of_another_user_can_be_read(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    give_away(repository)
    tree = await Cache(tmp_path / "cache").fetch(source(repository), "r1", head)
    assert await tree.read("README.md") == b"hello\n"


async def test_history(repository: Path, tmp_path: Path) -> None:
    (repository / "new").write_text("1")
    head = commit(repository)
    tree = await Cache(tmp_path / "cache").fetch(source(repository), "r1", head)
    assert await tree.contributors() == [("Alice", 2)]
    assert (await tree.last_commit_date("new") or "").startswith("20")
    assert await tree.last_commit_date("*") is None


async def test_a_damaged_cache_is_started_afresh(repository: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    head = git(repository, "rev-parse", "HEAD")
    await cache.fetch(source(repository), "r1", head)
    for file in (tmp_path / "cache" / "r1.git" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(b"garbage")
    (repository / "more").write_text("1")
    tree = await cache.fetch(source(repository), "r1", commit(repository))
    assert await tree.read("more") == b"1"


async def test_what_a_reader_found_damaged_is_mended_by_the_next_fetch(
    repository: Path, tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "cache")
    (repository / "more").write_text("1")
    head = commit(repository)
    tree = await cache.fetch(source(repository), "r1", head)
    await tree.entries()
    shutil.rmtree(tmp_path / "cache" / "r1.git" / "objects" / "pack", ignore_errors=True)
    for folder in (tmp_path / "cache" / "r1.git" / "objects").glob("??"):
        shutil.rmtree(folder)
    with pytest.raises(CheckoutError):
        await tree.read("more")
    mended = await cache.fetch(source(repository), "r1", head)
    assert await mended.read("more") == b"1"


@pytest.mark.parametrize(
    ("url", "commit_id", "expected"),
    [
        ("/nowhere/at/all", "a" * 40, "/nowhere/at/all"),
        ("ext::sh -c touch", "a" * 40, "only local paths, https and ssh"),
        ("--upload-pack=touch", "a" * 40, "only local paths"),
        ("/tmp", "main", "not a full commit id"),
    ],
)
async def test_errors_say_what_and_where(tmp_path: Path, url: str, commit_id: str, expected: str) -> None:
    with pytest.raises(CheckoutError, match=expected):
        await Cache(tmp_path).fetch(Source(clone_url=url), "r1", commit_id)


async def test_an_unknown_commit_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match="bbbbbbbbbbbb"):
        await Cache(tmp_path / "cache").fetch(source(repository), "r1", "b" * 40)


async def test_many_reads_take_few_processes(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (repository / f"file{number}").write_text(f"content {number}")
    tree = await Cache(tmp_path / "cache").fetch(source(repository), "r1", commit(repository))
    started: list[tuple[str, ...]] = []
    finished = Git.finished

    async def counted(git: Git, *arguments: str, **options: Any) -> Finished:
        started.append(arguments)
        return await finished(git, *arguments, **options)

    monkeypatch.setattr(Git, "finished", counted)
    contents = [await tree.read(f"file{number}") for number in range(300)]
    assert contents == [f"content {number}".encode() for number in range(300)]
    assert 0 < len(started) < 15, started
