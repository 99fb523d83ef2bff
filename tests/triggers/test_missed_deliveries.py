"""Deliveries that did not come are read where the forge keeps them."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.deliveries import missed
from seatrial.control.forges.github import client
from seatrial.control.forges.models import Comparison, Delivery, Drift
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Connection, Project
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker.sweeps import sweep_forges
from tests.repositories import commit
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


def look(forges: Forges, project: Project) -> None:
    """As if the last look were long ago."""
    Comparison.objects.update(looked_at=None)
    missed.look_due(forges, project)


def asked(site: DeliveringHere) -> int:
    return sum("/deliveries" in one for one in site.asked)


def lose_a_push(site: DeliveringHere, source: Path) -> str:
    site.lost = True
    commit(source, {"c": timezone.now().isoformat()})
    head = site.push(SHOP, source, "main")
    site.lost = False
    return head


def test_a_push_that_was_lost_is_evaluated_all_the_same(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    compare(forges, project)
    head = lose_a_push(site, source)
    look(forges, project)
    row = Delivery.objects.get()
    assert (row.result, row.fetched, row.event) == ("accepted", True, "push")
    assert row.delivery_id == site.deliveries[-1].guid
    assert not any("Signature" in name for name in row.headers)
    handle()
    assert Evaluation.objects.get().commit == head
    assert Drift.objects.get().kind == "missed"
    look(forges, project)
    assert Delivery.objects.count() == 1 and Drift.objects.count() == 1


def test_the_sweep_reads_them_and_says_one_change_once(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    sweep_forges(forges)
    site.lost = True
    pull = site.open_pull(SHOP, "feature", author="ann")
    Comparison.objects.update(looked_at=None)
    sweep_forges(forges)
    assert list(Drift.objects.values_list("kind", "number")) == [("missed", pull.number)]
    assert Delivery.objects.get().fetched


def test_it_looks_at_once_and_then_every_few_minutes(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    missed.look_due(forges, project)
    missed.look_due(forges, project)
    assert asked(site) == 1
    Comparison.objects.update(looked_at=timezone.now() - missed.EVERY)
    missed.look_due(forges, project)
    assert asked(site) == 2


def test_what_was_accepted_in_the_end_is_not_missed(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    lose_a_push(site, source)
    lost = site.deliveries[-1]
    (webhook,) = site.repositories[SHOP].webhooks
    site.deliver(webhook, lost.event, lost.body, lost.guid)
    assert site.deliveries[-1].status == 202
    look(forges, project)
    assert [row.fetched for row in Delivery.objects.all()] == [False]


def test_nor_what_we_have_although_the_forge_heard_no_answer(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    for one in site.deliveries:
        one.status = 0
    look(forges, project)
    assert [row.fetched for row in Delivery.objects.all()] == [False]
    assert not [one for one in site.asked if one.split("/deliveries")[-1].startswith("/")]


def test_what_was_refused_for_another_secret_is_read(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    (webhook,) = site.repositories[SHOP].webhooks
    webhook.secret = "another"
    site.open_pull(SHOP, "feature", author="ann")
    assert site.deliveries[-1].status == 401
    look(forges, project)
    assert list(Delivery.objects.order_by("id").values_list("result", "fetched")) == [
        ("rejected (signature)", False),
        ("accepted", True),
    ]


def test_many_are_read_in_turns_page_by_page(
    site: DeliveringHere, project: Project, forges: Forges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "MOST", 8)
    monkeypatch.setattr(client, "PER_PAGE", 10)
    site.lost = True
    hosted = site.repositories[SHOP]
    payload = site.push_payload(hosted, "main", "0" * 40, "a" * 40)
    for _ in range(13):
        site.send(hosted, "push", payload)
    look(forges, project)
    assert Delivery.objects.count() == 8
    assert asked(site) == 10, "two pages, and each delivery"
    look(forges, project)
    assert Delivery.objects.filter(fetched=True).count() == 13


def test_those_from_before_the_project_are_none_of_its_business(
    site: DeliveringHere, project: Project, forges: Forges, source: Path
) -> None:
    lose_a_push(site, source)
    site.deliveries[-1].at -= timedelta(days=1)
    look(forges, project)
    assert not Delivery.objects.exists()


def test_a_credential_that_may_not_see_them_holds_nothing_up(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    site.repositories[SHOP].members[BOT] = "write"
    site.lost = True
    site.open_pull(SHOP, "feature", author="ann")
    sweep_forges(forges)
    project.refresh_from_db()
    assert project.unreachable == "" and project.pull_requests.count() == 1


def test_nor_does_an_answer_that_nobody_expected(
    site: DeliveringHere, project: Project, forges: Forges, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object) -> None:
        raise ValueError("what a forge of next year says")

    monkeypatch.setattr(missed, "_look", odd)
    site.lost = True
    site.open_pull(SHOP, "feature", author="ann")
    sweep_forges(forges)
    assert project.pull_requests.count() == 1


def test_a_payload_that_cannot_be_read_is_kept_as_such_and_not_read_again(
    site: DeliveringHere, project: Project, forges: Forges
) -> None:
    site.lost = True
    site.send(site.repositories[SHOP], "push", {"ref": 7})
    look(forges, project)
    look(forges, project)
    row = Delivery.objects.get()
    assert (row.result, row.fetched, bool(row.outcome)) == ("rejected (parse)", True, True)
    assert Connection.objects.count() == 1 and not Drift.objects.exists()
