"""What lies in the place of a branch's file and is no file holds up nobody."""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.local import announcing, git, reference_files, services
from seatrial.control.forges.local.announcing import Announcer
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import Connection, Project
from tests.forges.conftest import Work
from tests.forges.test_local_forge import project

__all__ = ["project"]


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "a named pipe": os.mkfifo,
    "a link to a named pipe": lambda path: (
        os.mkfifo(path.parent.parent.parent / "pipe"),
        path.symlink_to("../../pipe"),
    ),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a large file": large,
}
HARMLESS: dict[str, Callable[[Path], object]] = {
    "a directory": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("what", NO_FILES | HARMLESS)
def test_a_reference_is_read_without_waiting(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a" / "b" / "main"
    path.parent.mkdir(parents=True)
    (NO_FILES | HARMLESS)[what](path)
    assert reference_files.read(path) is None
    assert reference_files.read(tmp_path / "nothing") is None


def test_a_reference_that_is_a_file_is_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "main").write_text("a" * 40 + "\n")
    (tmp_path / "link").symlink_to("main")
    assert (
        reference_files.read(tmp_path / "main") == reference_files.read(tmp_path / "link") == "a" * 40 + "\n"
    )


def test_a_pipe_that_takes_the_place_of_a_file_between_two_looks_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "main")
    regular = SimpleNamespace(st_mode=stat.S_IFREG)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    assert reference_files.read(tmp_path / "main") is None


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("what", NO_FILES)
def test_git_is_not_asked_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, bare: bool
) -> None:
    path = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", *(["--bare"] if bare else []), str(path)], check=True)
    heads = (path if bare else path / ".git") / "refs" / "heads"
    NO_FILES[what](heads / "main")
    monkeypatch.setattr(git, "run", lambda *_, **__: pytest.fail("git would wait"))
    for ask in (git.Repository(path).heads, lambda: git.reopen(str(path))):
        with pytest.raises(RepositoryProblem, match=r"refs/heads/main is (not a file|too large).*Remove it"):
            ask()


@pytest.fixture
def other(connection: Connection, tmp_path: Path) -> Work:
    """Another repository, of which a branch is open as a pull request."""
    work = Work(tmp_path / "other")
    work.commit("first")
    second = services.register(connection, str(work.path), by=Actor.person("alice"))
    work.commit("x", branch="feature")
    services.open_pull(second, "feature", by=Actor.person("alice"))
    return work


def announced_of(name: str) -> set[str]:
    return set(LocalPullRequest.objects.filter(project__name=name).values_list("announced_sha", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_others_are_announced_while_one_has_a_pipe_for_a_branch(
    project: Project, work: Work, other: Work
) -> None:
    head = work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announcer = Announcer()
    announcer.announce_all()
    branch = work.path / ".git" / "refs" / "heads" / "feature"
    branch.unlink()
    os.mkfifo(branch)
    sha = other.commit("y")
    announcer.announce_all()
    assert announced_of("other") == {sha}
    project.refresh_from_db()
    assert str(branch) in project.unreachable
    branch.unlink()
    branch.write_text(f"{head}\n")
    announcer.announce_all()
    project.refresh_from_db()
    assert project.unreachable == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_repository_that_keeps_git_waiting_is_left_alone_for_a_while(
    project: Project, work: Work, other: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    work.commit("y")
    asked, clock = [], [0.0]
    reopen = announcing.reopen

    def waits(path: str) -> git.Repository:
        if path == str(work.path):
            asked.append(path)
            raise RepositoryProblem("git_timeout", "git did not answer")
        return reopen(path)

    monkeypatch.setattr(announcing, "reopen", waits)
    monkeypatch.setattr(announcing, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    announcer = Announcer()
    for _ in range(5):
        sha = other.commit("more")
        announcer.announce_all()
        assert announced_of("other") == {sha}
    assert len(asked) == 1
    clock[0] = announcing.REST_SECONDS
    announcer.announce_all()
    assert len(asked) == 2
