"""A repository that cannot be read: its disk is not mounted, or broken. Nothing is closed for that."""

import pytest
from structlog.testing import capture_logs

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.local import services
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import Project
from seatrial.control.worker import sweeps
from tests.forges.conftest import Work, announce_all
from tests.forges.test_local_forge import announced, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def unmounted(work: Work, how: str) -> None:
    """Make the repository look as it does while its disk is away or broken."""
    elsewhere = work.path.with_name("mounted elsewhere")
    if how == "broken branch":  # as a power cut leaves it
        (work.path / ".git" / "refs" / "heads" / "feature").write_text("")
        return
    work.path.rename(elsewhere)
    if how == "missing":
        return
    if how == "empty mount point in another repository":
        Work(work.path.parent / "other").commit()
        (work.path.parent / "other" / ".git").rename(work.path.parent / ".git")
    work.path.mkdir()


def mounted(work: Work) -> None:
    work.path.rmdir()
    work.path.with_name("mounted elsewhere").rename(work.path)


AWAY = ["missing", "empty mount point", "empty mount point in another repository", "broken branch"]


@pytest.mark.parametrize("how", AWAY)
def test_a_repository_that_cannot_be_read_closes_nothing(project: Project, work: Work, how: str) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    services.open_pull(project, "main", by=Actor.person("alice"))
    announce_all()
    unmounted(work, how)
    with capture_logs() as lines:
        for _ in range(3):
            assert announce_all() == 0
            sweeps.sweep_forges(Forges())
    assert set(LocalPullRequest.objects.values_list("state", flat=True)) == {"open"}
    project.refresh_from_db()
    assert str(work.path) in project.unreachable
    assert [line["event"] for line in lines] == ["project is unreachable; its pull requests stay as they are"]


def test_a_repository_that_is_back_is_followed_again(project: Project, work: Work) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    services.open_pull(project, "main", by=Actor.person("alice"))
    announce_all()
    unmounted(work, "empty mount point")
    announce_all()
    mounted(work)
    with capture_logs() as lines:
        announce_all()
        announce_all()
    assert [line["event"] for line in lines] == ["project is reachable again"]
    project.refresh_from_db()
    assert project.unreachable == ""
    work.git("checkout", "-q", "main")
    work.git("branch", "-q", "-D", "feature")
    assert announce_all() == 1
    assert announced()[-1][0] == "closed"


def test_a_pull_request_closed_by_hand_is_announced_though_the_repository_is_unreachable(
    project: Project, work: Work
) -> None:
    work.commit("x", branch="feature")
    services.open_pull(project, "feature", by=Actor.person("alice"))
    announce_all()
    unmounted(work, "missing")
    services.close_pull(project, "feature", by=Actor.person("alice"))
    assert announce_all() == 1
    assert announced()[-1][0] == "closed"


def test_a_repository_that_lost_its_last_branch_closes_its_pull_requests(
    project: Project, work: Work
) -> None:
    services.open_pull(project, "main", by=Actor.person("alice"))
    announce_all()
    work.git("checkout", "-q", "--orphan", "nothing")
    work.git("branch", "-q", "-D", "main")
    assert announce_all() == 1
    assert announced()[-1][0] == "closed"
