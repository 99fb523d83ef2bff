"""Repositories that were renamed, transferred or archived, and nobody told."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Hook
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker.sweeps import sweep_forges
from tests.forges.hosts.site import Site
from tests.triggers.conftest import waiting
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
BY_NAME = ["github", "gitea"]  # whose API knows repositories by their names


@pytest.fixture(params=["github", "gitlab", "gitea"])
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def open_ones() -> list[int]:
    return list(PullRequest.objects.filter(state="open").values_list("number", flat=True))


@pytest.mark.parametrize("which", BY_NAME, indirect=True)
def test_the_next_comparison_finds_the_new_name(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    site.lost = True
    site.renamed(SHOP, "acme/store")
    compare(forges, project)
    project.refresh_from_db()
    assert (project.full_name, project.unreachable) == ("acme/store", "")
    assert project.clone_url.endswith("/acme/store.git")


@pytest.mark.parametrize(
    ("which", "theirs"), [("github", 0), ("gitlab", 0), ("gitea", 0), ("gitea", 1)], indirect=["which"]
)
def test_another_repository_that_took_the_name_closes_nothing(
    site: DeliveringHere, project: Project, forges: Forges, source: Path, theirs: int
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    site.lost = True
    site.renamed(SHOP, "acme/store")
    site.repository(SHOP, source, admin=BOT)
    for _ in range(theirs):
        site.open_pull(SHOP, "feature", author="ann", title="theirs")
    compare(forges, project)
    compare(forges, project)
    project.refresh_from_db()
    assert open_ones() == [1] and PullRequest.objects.get().title != "theirs"
    assert project.full_name == "acme/store" or site.kind == "gitlab"


@pytest.mark.parametrize("which", ["gitea"], indirect=True)
def test_one_that_is_gone_while_another_has_its_name_changes_nothing(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    site.lost = True
    site.renamed(SHOP, "acme/store")
    del site.repositories["acme/store"]
    site.repository(SHOP, source, admin=BOT)
    sweep_forges(forges)
    project.refresh_from_db()
    assert open_ones() == [1] and project.full_name == SHOP
    assert "has nothing at" in project.unreachable


@pytest.mark.parametrize("which", ["gitlab", "gitea"], indirect=True)
def test_the_next_webhook_has_the_new_name_looked_up(
    site: DeliveringHere, project: Project, lanes: Lanes
) -> None:
    site.lost = True
    site.renamed(SHOP, "acme/store")
    site.lost = False
    Hook.objects.update(asked_at=timezone.now() - hooks.SOON)
    for _ in range(2):
        site.open_pull("acme/store", "feature", author="ann")
    handle()
    assert len(waiting(Instruction.WEBHOOK)) == 1, "though two said so"
    lanes()
    project.refresh_from_db()
    assert project.full_name == "acme/store" and project.slug == "shop"


@pytest.mark.parametrize("which", ["gitlab", "gitea"], indirect=True)
def test_an_archived_one_is_noticed_within_the_hour_and_is_back_within_a_minute(
    site: DeliveringHere, project: Project, forges: Forges, lanes: Lanes
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    site.repositories[SHOP].archived = True
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    for _ in range(2):  # the webhook is looked at, and then the previews follow
        lanes()
    project.refresh_from_db()
    assert project.gone == "archived" and open_ones() == [1]
    assert Environment.objects.get().state in {"stopped", "terminated"}
    site.repositories[SHOP].archived = False
    sweep_forges(forges)
    project.refresh_from_db()
    assert project.gone == ""


@pytest.mark.parametrize("which", ["gitea"], indirect=True)
def test_a_gitea_that_tells_a_new_name_is_believed(site: Site, project: Project) -> None:
    """From 1.28 on."""
    hosted = site.repositories[SHOP]
    payload = site.repository_payload(hosted, "renamed")
    payload["repository"] |= {"full_name": "acme/store", "clone_url": f"{site.url}/acme/store.git"}
    Site.send(site, hosted, "repository", payload)
    handle()
    project.refresh_from_db()
    assert (project.full_name, project.clone_url) == ("acme/store", f"{site.url}/acme/store.git")
