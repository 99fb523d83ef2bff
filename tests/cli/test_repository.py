"""The repository is looked at before anything is asked of the platform."""

import os
import subprocess
from pathlib import Path

import pytest

from seatrial.cli.errors import CommandError
from seatrial.cli.repository import read_head
from tests.cli.conftest import git


def test_the_checked_out_branch_is_the_default(repository: Path) -> None:
    head = read_head(repository, None)
    assert (head.path, head.branch, head.dirty) == (repository.resolve(), "feature", False)
    assert head.commit == git(repository, "rev-parse", "feature")


def test_another_branch_can_be_named_and_is_never_dirty(repository: Path) -> None:
    (repository / "sail").write_text("red")
    assert read_head(repository, None).dirty
    head = read_head(repository, "main")
    assert head.commit == git(repository, "rev-parse", "main")
    assert not head.dirty


def test_a_folder_inside_stands_for_the_repository(repository: Path) -> None:
    (repository / "deep").mkdir()
    head = read_head(repository / "deep", None)
    assert (head.path, head.folder) == (repository.resolve(), "deep")
    assert read_head(repository, None).folder == ""


def test_a_bare_repository_will_do(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    assert read_head(tmp_path / "bare.git", "feature").branch == "feature"


def test_a_near_miss_is_offered(repository: Path) -> None:
    with pytest.raises(CommandError, match="no branch featrue") as problem:
        read_head(repository, "featrue")
    assert "Did you mean feature?" in problem.value.fix


def test_what_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a git repository"):
        read_head(tmp_path, None)


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(CommandError, match="has no commit yet"):
        read_head(tmp_path, None)


def test_no_branch_checked_out(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    with pytest.raises(CommandError, match="no branch checked out") as problem:
        read_head(repository, None)
    assert "--branch" in problem.value.fix


def test_a_tag_of_the_same_name_is_in_no_branchs_way(repository: Path) -> None:
    git(repository, "tag", "feature")
    assert read_head(repository, None).branch == "feature"
    assert read_head(repository, "feature").commit == git(repository, "rev-parse", "refs/heads/feature")


def test_one_branch_that_is_not_utf8_is_only_its_own_trouble(repository: Path) -> None:
    subprocess.run([b"git", b"branch", b"caf\xe9", b"main"], cwd=repository, check=True)
    assert read_head(repository, None).branch == "feature"
    with pytest.raises(CommandError, match="not written in UTF-8") as problem:
        read_head(repository, os.fsdecode(b"caf\xe9"))
    str(problem.value).encode()
    with pytest.raises(CommandError, match="no branch cafe"):
        read_head(repository, "cafe")


def test_names_in_utf8_are_names_whatever_the_locale(repository: Path) -> None:
    git(repository, "checkout", "-qb", "caf\u00e9")
    assert read_head(repository, None).branch == "caf\u00e9"


def test_a_branch_that_looks_like_an_option_is_only_a_name(repository: Path) -> None:
    with pytest.raises(CommandError, match="no branch --all"):
        read_head(repository, "--all")
