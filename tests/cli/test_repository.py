"""The repository is looked at before anything is asked of the platform."""

import os
import shlex
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


def test_folders_that_are_not_repositories_are_refused(tmp_path: Path) -> None:
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


def test_git_is_not_waited_for_for_ever(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.cli.repository.GIT_SECONDS", 0.5)
    branch = repository / ".git/refs/heads/feature"
    branch.unlink()
    os.mkfifo(branch)
    with pytest.raises(CommandError, match=r"git \S+ did not end within 0\.5 seconds"):
        read_head(repository, "feature")


def test_names_in_utf8_are_names_whatever_the_locale(repository: Path) -> None:
    git(repository, "checkout", "-qb", "caf\u00e9")
    assert read_head(repository, None).branch == "caf\u00e9"


def test_a_branch_that_looks_like_an_option_is_only_a_name(repository: Path) -> None:
    with pytest.raises(CommandError, match="no branch --all"):
        read_head(repository, "--all")


def test_a_branch_whose_name_has_a_separator_of_lines_is_one_branch(repository: Path) -> None:
    git(repository, "checkout", "-qb", "one\u2028two")
    assert read_head(repository, None).branch == "one\u2028two"


def test_a_commit_without_a_file_is_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "nothing")
    assert read_head(tmp_path, None).commit == git(tmp_path, "rev-parse", "HEAD")


def test_a_linked_worktree_is_a_repository_until_its_own_is_gone(repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", str(tree), "main")
    head = read_head(tree, None)
    assert (head.path, head.branch, head.folder) == (tree.resolve(), "main", "")
    repository.rename(tmp_path / "moved")
    with pytest.raises(CommandError, match=r"linked worktree.* is not there") as problem:
        read_head(tree, None)
    assert "git worktree repair" in problem.value.fix


def test_a_shallow_clone_is_noticed_and_will_do(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    assert read_head(tmp_path / "shallow", None).shallow
    assert not read_head(repository, None).shallow


def test_a_partial_clone_says_what_it_lacks_until_it_has_it(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repository}", "partial")
    partial = tmp_path / "partial"
    with pytest.raises(CommandError, match=r"is a partial clone: .* it lacks \d+ objects?\.") as problem:
        read_head(partial, None)
    subprocess.run(shlex.split(problem.value.fix.removeprefix("Get them: ")), check=True, capture_output=True)
    assert read_head(partial, None).branch == "feature"


def test_a_folder_that_git_cannot_use_is_refused_with_gits_words(repository: Path) -> None:
    with pytest.raises(CommandError, match="must be run in a work tree"):
        read_head(repository / ".git", None)
    (repository / ".git" / "config").write_text("[core\n")
    with pytest.raises(CommandError, match="bad config"):
        read_head(repository, None)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b.git"),
        ("ssh://git@example.test/a", "ssh://git@example.test/a"),
        ("git@example.test:a/b.git", "git@example.test:a/b.git"),
    ],
)
def test_an_address_is_not_taken_for_a_folder(typed: str, url: str) -> None:
    with pytest.raises(CommandError, match="is an address") as problem:
        read_head(Path(typed), None)
    assert problem.value.fix.endswith(f"git clone {url}")
