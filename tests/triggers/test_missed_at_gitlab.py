"""Deliveries that did not come, read at GitLab."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.deliveries import missed
from seatrial.control.forges.models import Comparison, Delivery, Drift
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker.sweeps import sweep_forges
from tests.repositories import commit
from tests.triggers.hosted import SHOP, DeliveringHere, handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def which() -> str:
    return "gitlab"


def lose_a_push(site: DeliveringHere, source: Path) -> str:
    site.lost = True
    commit(source, {"c": timezone.now().isoformat()})
    head = site.push(SHOP, source, "main")
    site.lost = False
    return head


def fetched() -> list[str]:
    return list(Delivery.objects.filter(fetched=True).order_by("id").values_list("delivery_id", flat=True))


def test_a_push_that_was_lost_is_evaluated_once_and_said(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    compare(forges, project)
    head = lose_a_push(site, source)
    missed.look(forges, project)
    missed.look(forges, project)
    handle()
    assert fetched() == [site.deliveries[-1].guid]
    assert Evaluation.objects.get().commit == head
    assert Drift.objects.get().kind == "missed"
    assert not any("Token" in name or "signature" in name for name in Delivery.objects.get().headers)


def test_one_that_came_is_not_read_although_gitlab_heard_no_answer(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    for one in site.deliveries:
        one.status = 0
    missed.look(forges, project)
    assert Delivery.objects.count() == 1 and fetched() == []


def test_a_resent_one_that_came_later_is_the_same(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    lose_a_push(site, source)
    missed.look(forges, project)
    lost = site.deliveries[-1]
    (webhook,) = site.repositories[SHOP].webhooks
    site.deliver(webhook, lost.event, lost.body, lost.guid)
    assert site.deliveries[-1].status == 200 and Delivery.objects.count() == 1


def test_what_a_webhook_missed_is_read_before_it_is_made_anew(
    site: DeliveringHere, project: Project, lanes: Callable[[], None], source: Path
) -> None:
    lost = [lose_a_push(site, source) for _ in range(4)]
    (switched_off,) = site.repositories[SHOP].webhooks
    assert not switched_off.active
    hooks.ask(project)
    lanes()
    (anew,) = site.repositories[SHOP].webhooks
    assert anew.active and anew.id != switched_off.id
    handle()
    assert set(Evaluation.objects.values_list("commit", flat=True)) == set(lost)


def test_what_cannot_be_read_holds_no_webhook_up(
    site: DeliveringHere, project: Project, lanes: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise ValueError("what a GitLab of next year says")

    monkeypatch.setattr(missed, "look", odd)
    site.repositories[SHOP].webhooks.clear()
    hooks.ask(project)
    lanes()
    assert len(site.repositories[SHOP].webhooks) == 1


def test_a_gitlab_that_does_not_tell_holds_nothing_up(
    site: DeliveringHere, project: Project, forges: Forges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "tells", False)
    site.lost = True
    site.open_pull(SHOP, "feature", author="ann")
    Comparison.objects.update(compared_at=timezone.now() - timedelta(seconds=60))
    sweep_forges(forges)
    project.refresh_from_db()
    assert project.unreachable == "" and project.pull_requests.count() == 1
    Comparison.objects.update(looked_at=None)
    sweep_forges(forges)
    assert fetched() == []
    site.lost = False
    monkeypatch.setattr(site, "tells", True)
    Comparison.objects.update(looked_at=None)
    sweep_forges(forges)
    assert fetched() == [site.deliveries[-1].guid], "what it kept meanwhile is not skipped when it tells"
