import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.forges.models import Delivery, Drift
from seatrial.control.forges.protocol import PullRequestAction
from seatrial.control.policies import services as policies
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.worker import deliveries
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import MAX_ATTEMPTS, Deliveries
from seatrial.control.worker.late import HANDLED
from seatrial.control.worker.wakeups import Wakeups
from tests import factories
from tests.waiting import LIMIT_SECONDS

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A = "a" * 40


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace(), "shop")


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Deliveries:
    monkeypatch.setattr(deliveries, "RETRY_SECONDS", -1.0)
    return Deliveries(Database(1), Wakeups([]))


def payload(project: Project, action: str = "opened", commit: str = A) -> dict[str, Any]:
    repository = {
        "id": 1,
        "name": "shop",
        "full_name": "local/shop",
        "html_url": "file:///x",
        "clone_url": project.external_id,
        "default_branch": "main",
        "private": True,
    }
    return {
        "action": str(PullRequestAction(action)),
        "number": 1,
        "pull_request": {
            "number": 1,
            "state": "open",
            "title": "t",
            "user": {"login": "alice", "type": "User"},
            "html_url": "file:///x",
            "head": {"ref": "feature", "sha": commit, "repo": repository},
            "base": {"ref": "main", "sha": commit, "repo": repository},
            "updated_at": "2026-01-01T00:00:00+00:00",
        },
        "repository": repository,
        "sender": {"login": "alice", "type": "User"},
    }


def deliver(project: Project, body: bytes) -> Delivery:
    return factories.delivery(project.connection, body=body)


def test_broken_evaluation_rolls_the_preview_back_with_it(
    project: Project, handler: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("no policies today")

    good = policies.evaluate
    monkeypatch.setattr(policies, "evaluate", broken)
    delivery = deliver(project, json.dumps(payload(project)).encode())
    handler.batch()
    delivery.refresh_from_db()
    assert delivery.handled_at is None and delivery.attempts == 1 and "no policies today" in delivery.outcome
    assert not PullRequest.objects.exists() and not Environment.objects.exists()
    monkeypatch.setattr(policies, "evaluate", good)
    handler.batch()
    delivery.refresh_from_db()
    assert delivery.handled_at and "deployment" in delivery.outcome and Environment.objects.count() == 1


def test_poison_is_given_up_and_holds_nobody_up(project: Project, handler: Deliveries) -> None:
    poison = deliver(project, b"not json")
    fine = deliver(project, json.dumps(payload(project)).encode())
    for _ in range(MAX_ATTEMPTS + 2):
        handler.batch()
    poison.refresh_from_db()
    fine.refresh_from_db()
    assert fine.attempts == 1 and fine.handled_at
    assert poison.attempts == MAX_ATTEMPTS and poison.handled_at and "gave up" in poison.outcome


def test_strangers_and_other_events_are_ignored_with_a_word(project: Project, handler: Deliveries) -> None:
    unknown = payload(project)
    unknown["repository"]["clone_url"] = unknown["pull_request"]["head"]["repo"]["clone_url"] = "/elsewhere"
    first = deliver(project, json.dumps(unknown).encode())
    second = factories.delivery(project.connection, event="star", body=b"{}")
    handler.batch()
    assert "no project is connected" in Delivery.objects.get(pk=first.pk).outcome
    assert "nothing to do" in Delivery.objects.get(pk=second.pk).outcome


def test_rejected_deliveries_are_never_handled(project: Project, handler: Deliveries) -> None:
    factories.delivery(
        project.connection, result="rejected (signature)", body=json.dumps(payload(project)).encode()
    )
    assert not handler.batch()
    assert not PullRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_another_worker_has_in_hand_is_left_to_it_without_asking_again(
    project: Project, handler: Deliveries
) -> None:
    delivery = deliver(project, json.dumps(payload(project)).encode())

    def look() -> bool:
        try:
            return handler.batch()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        Delivery.objects.select_for_update().get(pk=delivery.pk)
        assert other.submit(look).result(LIMIT_SECONDS) is False
    assert handler.batch() is True
    assert handler.batch() is False


@pytest.mark.django_db(transaction=True)
def test_a_late_delivery_waits_for_nobody_who_has_the_project_in_hand(
    project: Project, handler: Deliveries
) -> None:
    """A storm is mostly late deliveries, and the project is locked by whoever handles what is new."""
    newest = payload(project)
    newest["pull_request"]["updated_at"] = "2026-01-02T00:00:00+00:00"
    deliver(project, json.dumps(newest).encode())
    handler.batch()
    late = deliver(project, json.dumps(payload(project)).encode())

    def look() -> bool:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '20s'")
            return handler.batch()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        assert other.submit(look).result(LIMIT_SECONDS)
    late.refresh_from_db()
    assert "known in a newer state" in late.outcome


def changed(project: Project, commit: str, hour: int) -> bytes:
    body = payload(project, "synchronize", commit)
    body["pull_request"]["updated_at"] = f"2026-01-01T{hour:02}:00:00+00:00"
    return json.dumps(body).encode()


def shown(delivery: Delivery) -> tuple[object, ...]:
    delivery.refresh_from_db()
    (attempt,) = delivery.tries.all()
    return (
        *(getattr(delivery, name) for name in HANDLED if name != "handled_at"),
        delivery.handled_at is not None,
        attempt.failed,
        attempt.outcome,
    )


def test_of_many_that_wait_the_late_ones_are_ended_together_as_each_would_be_alone(
    project: Project, handler: Deliveries, django_assert_max_num_queries: Any
) -> None:
    deliver(project, changed(project, A, hour=9))
    alone = deliver(project, changed(project, "b" * 40, hour=1))
    assert handler.batch(), "two are not many"
    late = [deliver(project, changed(project, "c" * 40, hour=2)) for _ in range(40)]
    with django_assert_max_num_queries(20):  # alone, each needs eight
        assert handler.batch()
    assert {shown(one) for one in late} == {shown(alone)}
    Drift.objects.create(project=project, kind="pushed", number=1, at=timezone.now())
    for _ in range(12):
        deliver(project, changed(project, "c" * 40, hour=2))
    assert handler.batch() and not Drift.objects.exists(), "a webhook came for what was noted"
    assert PullRequest.objects.get().head_sha == A


def test_what_is_news_or_poison_among_many_late_ones_is_handled_alone(
    project: Project, handler: Deliveries
) -> None:
    deliver(project, changed(project, A, hour=9))
    handler.batch()
    late = [deliver(project, changed(project, "b" * 40, hour=2)) for _ in range(12)]
    poison, star = deliver(project, b"not json"), factories.delivery(project.connection, event="star")
    news = deliver(project, changed(project, "d" * 40, hour=10))
    assert handler.batch()
    for one in (*late, poison, star, news):
        one.refresh_from_db()
    assert [one.attempts for one in (*late, poison, star, news)] == [1] * 15
    assert poison.handled_at is None and "failed after 1 attempt" in poison.outcome
    assert star.ending == "ignored" and "deployment" in news.outcome
    assert PullRequest.objects.get().head_sha == "d" * 40


def test_a_delivery_that_the_disk_refuses_holds_nobody_up(
    project: Project, handler: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(policies, "evaluate", full)
    poison = deliver(project, json.dumps(payload(project)).encode())
    other = factories.delivery(project.connection, event="star", body=b"{}")
    assert handler.batch()
    poison.refresh_from_db()
    other.refresh_from_db()
    assert "no space left" in poison.outcome and other.handled_at
