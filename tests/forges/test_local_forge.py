"""The local forge against real repositories, announcing over real HTTP to the real intake."""

import contextlib
import json
from pathlib import Path

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.local import services
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.webhooks import LocalWebhooks
from seatrial.control.forges.models import Delivery
from seatrial.control.forges.protocol import PullRequestChanged
from seatrial.control.forges.sources import source
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.services import apply_pull_request
from tests.forges.conftest import Work, announce_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def project(connection: Connection, work: Work, live_server, settings) -> Project:
    reach(settings, live_server.url)
    return services.register(connection, str(work.path), by=Actor.person("alice"))


def reach(settings, url: str) -> None:
    """Where the worker looks for this server; people come by an address that nobody answers here."""
    settings.SITE_URL = "https://seatrial.invalid"
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"galley_internal_url": url})


def announced() -> list[tuple[str, int, str]]:
    """What the accepted webhooks said, in order."""
    bodies = [
        json.loads(bytes(row.body)) for row in Delivery.objects.filter(result="accepted").order_by("id")
    ]
    return [(b["action"], b["number"], b["pull_request"]["head"]["sha"]) for b in bodies]


def events(project: Project) -> list[PullRequestChanged]:
    return [LocalWebhooks().parse(row.event, bytes(row.body)) for row in Delivery.objects.order_by("id")]


def test_opening_pushing_closing_and_reopening(project: Project, work: Work) -> None:
    first = work.commit("Add a page", branch="feature/page")
    pull = services.open_pull(project, "feature/page", by=Actor.person("alice"))
    assert (pull.number, pull.head_sha) == (1, first)
    assert (announce_all(), announce_all()) == (1, 0)
    second = work.commit("Improve it")
    assert (announce_all(), announce_all()) == (1, 0)
    services.close_pull(project, "feature/page", by=Actor.person("alice"))
    assert (announce_all(), announce_all()) == (1, 0)
    services.open_pull(project, "feature/page", by=Actor.person("alice"))
    assert announce_all() == 1
    services.close_pull(project, "feature/page", by=Actor.person("alice"))
    assert announce_all() == 1, "closed at the same commit a second time: a delivery of its own"
    assert announced() == [
        ("opened", 1, first),
        ("synchronize", 1, second),
        ("closed", 1, second),
        ("reopened", 1, second),
        ("closed", 1, second),
    ]


def test_what_the_worker_reads_from_them(project: Project, work: Work) -> None:
    sha = work.commit("Add a page", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announce_all()
    (event,) = events(project)
    assert event.external_id == project.external_id == str(work.path)
    assert (event.head_sha, event.branch, event.base_branch) == (sha, "feature", "main")
    assert (event.title, event.author, event.from_fork) == ("Add a page", "Ann", False)
    assert apply_pull_request(project, event).head_sha == sha
    assert LocalForge().open_pull_requests(project)[0].changed_at == event.changed_at


def test_a_deleted_branch_closes_its_pull_request(project: Project, work: Work) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announce_all()
    work.git("checkout", "-q", "main")
    work.git("branch", "-q", "-D", "feature")
    assert announce_all() == 1
    assert announced()[-1][0] == "closed"
    assert LocalForge().open_pull_requests(project) == []


def test_numbers_go_on_and_a_branch_keeps_its_own(project: Project, work: Work) -> None:
    for branch in ("one", "two"):
        work.commit(branch, branch=branch)
    numbers = [
        services.open_pull(project, branch, by=Actor.person("alice")).number
        for branch in ("one", "two", "one")
    ]
    services.close_pull(project, "one", by=Actor.person("alice"))
    assert [*numbers, services.open_pull(project, "one", by=Actor.person("alice")).number] == [1, 2, 1, 1]


def test_registering_twice_is_registering_once(connection: Connection, work: Work, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(work.path)
    (work.path / "deep").mkdir()
    paths = (work.path, link, work.path / "deep")
    assert len({services.register(connection, str(path), by=Actor.person("alice")).pk for path in paths}) == 1
    project = Project.objects.get()
    assert (project.name, project.slug, project.default_branch) == ("shop", "shop", "main")
    assert project.web_url == work.path.as_uri()


def test_the_default_branch(connection: Connection, work: Work, tmp_path: Path) -> None:
    def default(path: Path) -> str:
        return services.register(connection, str(path), by=Actor.person("alice")).default_branch

    work.git("branch", "-q", "-m", "trunk")
    assert default(work.path) == "trunk", "the only one there is"
    work.git("clone", "-q", str(work.path), str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    work.git("-C", str(clone), "checkout", "-q", "-b", "main")
    assert default(clone) == "trunk", "what its origin says"
    work.git("-C", str(clone), "remote", "remove", "origin")
    assert default(clone) == "main", "by its name"
    work.git("-C", str(clone), "checkout", "-q", "--detach")
    work.git("-C", str(clone), "branch", "-q", "-m", "main", "work")
    assert default(clone) == "trunk", "the first by name where nothing else tells"


def test_two_repositories_of_one_name_have_two_slugs(
    connection: Connection, work: Work, tmp_path: Path
) -> None:
    other = Work(tmp_path / "elsewhere" / "shop")
    other.commit()
    slugs = [
        services.register(connection, str(path), by=Actor.person("a")).slug
        for path in (work.path, other.path)
    ]
    assert slugs == ["shop", "shop-2"]


def test_a_bare_repository_will_do(connection: Connection, work: Work, tmp_path: Path) -> None:
    work.git("clone", "-q", "--bare", str(work.path), str(tmp_path / "bare.git"))
    project = services.register(connection, str(tmp_path / "bare.git"), by=Actor.person("alice"))
    assert (project.name, services.open_pull(project, "main", by=Actor.person("alice")).number) == ("bare", 1)


@pytest.mark.parametrize(
    ("prepare", "code", "message"),
    [
        (lambda path: path / "missing", "no_directory", "There is no directory"),
        (lambda path: Path("relative"), "not_absolute", "absolute"),
        (lambda path: (path / "f").write_text("x") and path / "f", "no_directory", "is not a directory"),
        (lambda path: path, "not_a_repository", "git init"),
        (lambda path: Work(path / "empty").path, "no_commit", "has no commit yet"),
    ],
)
def test_what_cannot_be_registered_is_named(
    connection, tmp_path: Path, prepare, code: str, message: str
) -> None:
    with pytest.raises(RepositoryProblem, match=message) as caught:
        services.register(connection, str(prepare(tmp_path)), by=Actor.person("alice"))
    assert caught.value.code == code
    assert not Project.objects.exists()


def test_an_unknown_branch_is_answered_with_near_misses(project: Project, work: Work) -> None:
    work.commit("x", branch="feature/page")
    with pytest.raises(RepositoryProblem, match=r"no branch feature/pgae\. It has: feature/page"):
        services.open_pull(project, "feature/pgae", by=Actor.person("alice"))
    with pytest.raises(RepositoryProblem, match="nothing to close"):
        services.close_pull(project, "feature/page", by=Actor.person("alice"))


@pytest.mark.parametrize("branch", ["--all", "-h", "main..main", "refs/heads/main", "HEAD", "main^", ""])
def test_a_branch_is_never_taken_for_an_option_or_an_expression(project: Project, branch: str) -> None:
    with pytest.raises(RepositoryProblem) as caught:
        services.open_pull(project, branch, by=Actor.person("alice"))
    assert caught.value.code == "no_branch"


def test_nothing_a_repository_configures_runs(connection: Connection, work: Work, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "core.hooksPath"):
        work.git("config", name, str(trap))
    work.git("config", "log.showSignature", "true")
    (tmp_path / "sprung").unlink(missing_ok=True)  # our own git commands above may have sprung it
    project = services.register(connection, str(work.path), by=Actor.person("alice"))
    services.open_pull(project, "main", by=Actor.person("alice"))
    LocalForge().open_pull_requests(project)
    LocalForge().facts(project, "a" * 40)
    announce_all()
    assert not (tmp_path / "sprung").exists()


def test_facts_and_source(project: Project, work: Work) -> None:
    facts = LocalForge().facts(project, "a" * 40).facts
    assert (facts.default_branch, facts.members, facts.metadata.name) == ("main", [], "shop")
    assert source(project).clone_url == str(work.path)
    assert LocalForge().fetch_credential(project) is None


def test_a_pull_request_says_what_it_is_based_on(project: Project, work: Work) -> None:
    left_at = work.git("rev-parse", "main")
    work.commit("Add a page", branch="feature")
    work.git("checkout", "-q", "main")
    main = work.commit("Main went on")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announce_all()
    assert [event.base_sha for event in events(project)] == [left_at]
    assert [event.base_sha for event in LocalForge().open_pull_requests(project)] == [left_at]
    work.git("checkout", "-q", "--orphan", "apart")
    work.commit("Nothing in common")
    services.open_pull(project, "apart", by=Actor.person("alice"))
    assert [event.base_sha for event in LocalForge().open_pull_requests(project)] == [left_at, main]


def test_nothing_that_a_repository_configures_is_run(
    connection: Connection, work: Work, tmp_path: Path
) -> None:
    """The repository lacks an object, and names a program that would fetch it, one to watch its files, and hooks."""
    head = work.commit("Head", branch="feature")
    traces = [tmp_path / name for name in ("lazy", "fsmonitor", "refs", "pack", "pager")]
    for name, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(work.path),
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": f"touch {traces[0]}; git-upload-pack",
        "core.fsmonitor": f"touch {traces[1]}",
        "core.alternateRefsCommand": f"touch {traces[2]}",
        "uploadpack.packObjectsHook": f"touch {traces[3]};",
        "core.pager": f"touch {traces[4]}",
    }.items():
        work.git("config", name, value)
    work.path.joinpath(".git/objects", head[:2], head[2:]).unlink()
    with contextlib.suppress(RepositoryProblem):
        project = services.register(connection, str(work.path), by=Actor.person("alice"))
        services.open_pull(project, "feature", by=Actor.person("alice"))
        announce_all()
    assert not [trace.name for trace in traces if trace.exists()]


def test_a_branch_whose_name_has_a_separator_of_lines_hides_no_other(project: Project, work: Work) -> None:
    head = work.commit("Odd", branch="one\u2028two\u0085three")
    pull = services.open_pull(project, "one\u2028two\u0085three", by=Actor.person("alice"))
    assert (pull.head_sha, announce_all()) == (head, 1)
    assert services.open_pull(project, "main", by=Actor.person("alice")).number == 2
