"""What happened at the forge without a webhook is made up for, and said: a quiet repair hides a broken webhook."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from seatrial.control.forges import drift
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Comparison, Delivery, Drift, DriftTotal
from seatrial.control.home.overview import fingerprint
from seatrial.control.projects.events import PullRequestChanged
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.status.drifts import Drifts
from seatrial.control.triggers.comparing import compare
from tests import factories
from tests.repositories import commit
from tests.triggers.hosted import SHOP, DeliveringHere, Team, handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def seen(site: DeliveringHere, project: Project, forges: Forges) -> Project:
    """The project, when it was compared once; from now on its webhooks get lost."""
    site.open_pull(SHOP, "feature", author="ann")
    compare(forges, project)
    assert not Drift.objects.exists(), "the first look finds what was there before us"
    Delivery.objects.all().delete()
    site.lost = True
    return project


def later(delta: timedelta = drift.GRACE + timedelta(seconds=1)) -> None:
    for row in Drift.objects.all():
        Drift.objects.filter(pk=row.pk).update(at=row.at - delta)


def of_a_minute_ago() -> None:
    """What changes in the second in which the forge is asked is left to the next sweep."""
    for row in PullRequest.objects.all():
        PullRequest.objects.filter(pk=row.pk).update(changed_at=row.changed_at - timedelta(minutes=1))


def kinds() -> list[tuple[str, int | None]]:
    return list(Drift.objects.order_by("id").values_list("kind", "number"))


def test_what_no_webhook_told_counts_once_it_cannot_be_late_any_more(
    site: DeliveringHere, seen: Project, forges: Forges, source
) -> None:
    opened = site.open_pull(SHOP, "feature", author="ann")
    compare(forges, seen)
    compare(forges, seen)
    assert kinds() == [("opened", opened.number)]
    assert drift.confirm() == 0 and not DriftTotal.objects.exists()
    later()
    assert drift.confirm() == 1 and drift.confirm() == 0
    of_a_minute_ago()
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    site.close_pull(SHOP, opened.number)
    compare(forges, seen)
    assert kinds()[1:] == [("pushed", 1), ("closed", opened.number)]
    later()
    drift.confirm()
    assert dict(DriftTotal.objects.values_list("kind", "count")) == {"opened": 1, "pushed": 1, "closed": 1}


def test_a_webhook_that_is_only_late_is_no_drift(site: DeliveringHere, seen: Project, forges: Forges) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    compare(forges, seen)
    assert kinds()
    site.lost = False
    site.changed(site.repositories[SHOP], pull, "opened")
    later()
    assert drift.confirm() == 0, "it waits to be handled"
    later(-drift.GRACE)
    handle()
    assert not Drift.objects.exists()


def test_nor_is_one_that_was_handled_while_the_forge_was_asked(
    site: DeliveringHere, seen: Project, forges: Forges, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.lost = False
    forge = forges.of(seen.connection)
    listed = forge.open_pull_requests

    def slowly(project: Project) -> list[PullRequestChanged]:
        site.open_pull(SHOP, "feature", author="ann")
        found = listed(project)
        handle()
        PullRequest.objects.filter(number=2).delete()  # as our transaction sees it, which began before
        return found

    monkeypatch.setattr(forge, "open_pull_requests", slowly)
    compare(forges, seen)
    assert PullRequest.objects.filter(number=2).exists() and not Drift.objects.exists()


def test_a_webhook_of_an_hour_ago_explains_nothing(
    site: DeliveringHere, seen: Project, forges: Forges
) -> None:
    site.lost = False
    number = site.open_pull(SHOP, "feature", author="ann").number
    handle()
    of_a_minute_ago()
    site.lost = True
    site.close_pull(SHOP, number)
    compare(forges, seen)
    assert kinds() == [("closed", number)]


def test_what_is_known_with_too_late_a_time_is_corrected_once_no_copy_of_the_forge_can_lag_so_far(
    site: DeliveringHere, seen: Project, forges: Forges
) -> None:
    (pull,) = site.repositories[SHOP].pulls.values()
    pull.head, pull.updated_at = "c" * 40, pull.updated_at - timedelta(days=1)
    before = PullRequest.objects.get().head_sha
    compare(forges, seen)
    assert PullRequest.objects.get().head_sha == before, "the webhook may be newer than the answer"
    of_a_minute_ago()
    of_a_minute_ago()
    compare(forges, seen)
    compare(forges, seen)
    assert PullRequest.objects.get().head_sha == pull.head and kinds() == [("pushed", 1)]


def test_nobody_was_here_to_receive_webhooks(site: DeliveringHere, seen: Project, forges: Forges) -> None:
    Comparison.objects.update(compared_at=timezone.now() - drift.AWAY - timedelta(seconds=1))
    site.open_pull(SHOP, "feature", author="ann")
    compare(forges, seen)
    assert not Drift.objects.exists()
    site.open_pull(SHOP, "feature", author="ann")
    compare(forges, seen)
    assert kinds() == [("opened", 3)]


@pytest.fixture
def shown(seen: Project) -> Project:
    for number in (1, 2):
        Drift.objects.create(
            project=seen, kind="opened", number=number, at=timezone.now() - timedelta(minutes=9)
        )
    drift.confirm()
    return seen


def page(team: Team, who: str, path: str) -> str:
    client = Client()
    client.force_login(team.people[who])
    answer = client.get(path)
    return answer.content.decode() if answer.status_code == 200 else f"{answer.status_code}"


def test_pages_status_and_metrics_warn(team: Team, shown: Project) -> None:
    places = ["/", f"/projects/{shown.pk}", f"/connections/{shown.connection_id}"]
    for path in places:
        assert "came without a webhook in the last hour" in page(team, "owner", path), path
    assert "Test the webhook" in page(team, "owner", "/")
    assert "Ask an admin" in page(team, "developer", "/")
    assert "without a webhook" not in page(team, "stranger", "/")
    (status,) = team.call("developer", "GET", "/status")[1]["projects"]
    assert status["drift"] == 2

    def scraped(who: str) -> str:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Drifts(team.people[who]))
        return generate_latest(registry).decode()

    line = f'seatrial_drift_repaired_total{{connection="{shown.connection_id}",kind="opened"}} 2.0'
    assert line in scraped("owner")
    assert shown.connection_id not in scraped("developer") + scraped("stranger")


def test_open_pages_change_when_a_drift_is_confirmed_and_when_its_hour_is_over(
    team: Team, shown: Project
) -> None:
    owner = team.people["owner"]
    before = [fingerprint(owner), fingerprint(owner, shown.pk)]
    later(timedelta(hours=1))
    assert [fingerprint(owner), fingerprint(owner, shown.pk)] != before
    assert "without a webhook" not in page(team, "owner", "/")


def test_a_drift_of_another_project_is_not_shown(team: Team, shown: Project) -> None:
    other = factories.project(team.workspace, "till")
    assert "without a webhook" not in page(team, "owner", f"/projects/{other.pk}")


def test_where_every_webhook_is_broken_the_start_page_says_it_once(team: Team, shown: Project) -> None:
    at = timezone.now()
    for number in range(4):
        other = factories.project(team.workspace, f"till-{number}")
        Drift.objects.create(project=other, kind="closed", number=1, at=at, confirmed_at=at)
    text = page(team, "owner", "/")
    assert "Changes of 5 projects came without a webhook" in text and "till-3" in text
    assert text.count("without a webhook") == 1


def test_what_is_found_when_a_deployment_is_confirmed_is_drift_too(
    site: DeliveringHere, seen: Project, forges: Forges, lanes: Lanes
) -> None:
    site.lost = False
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    of_a_minute_ago()
    site.lost = True
    site.close_pull(SHOP, pull.number)
    lanes()
    assert PullRequest.objects.get(number=pull.number).state == "closed"
    assert kinds() == [("closed", pull.number)]
