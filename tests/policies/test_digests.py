"""The weekly digest: what is in it, when it is made, who is told, and who sees it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.digests import making
from seatrial.control.policies.digests.models import Digest, DigestTime, Weekday
from seatrial.control.policies.digests.retention import prune
from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.notices.models import Notice, Subscription
from seatrial.control.policies.scores.models import DailyScore
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOW = timezone.now()


class Shop:
    """A project whose default branch was judged ten days ago, and today."""

    def __init__(self) -> None:
        self.people = {role: make.user(role) for role in ("admin", "viewer", "stranger")}
        self.space = make.workspace("shop", admin=self.people["admin"], viewer=self.people["viewer"])
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(self.space, "shop")

    def judged(self, ago: timedelta, **states: str) -> Evaluation:
        made = Evaluation.objects.create(
            project=self.project, commit=make.sha(), event="push", ref="refs/heads/main", state="failed",
            score=50, finished_at=NOW - ago,
        )  # fmt: skip
        for name, state in states.items():
            make.result(made, make.policy(self.space, name), state=state)
        return made

    def subscribed(self, kinds: list[str]) -> Subscription:
        row = Subscription(workspace=self.space, url="https://a.example/", kinds=kinds, secret="whsec_YQ==")
        row.save(force_insert=True)
        return row

    def ask(self, who: str, method: str, address: str, /, **body: Any) -> Any:
        client = Client()
        client.force_login(self.people[who])
        return client.generic(method, address, json.dumps(body), "application/json")


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_only_what_changed_is_in_it(shop: Shop) -> None:
    shop.judged(
        timedelta(days=10), a="passed", b="failed", c="failed", d="waived", e="passed", f="failed", g="passed"
    )
    shop.judged(timedelta(days=8), f="errored")
    shop.judged(timedelta(days=2), a="passed", b="passed")
    newest = shop.judged(
        timedelta(0), a="failed", b="passed", c="failed", d="passed", e="errored", f="passed", h="failed", g="skipped"
    )  # fmt: skip
    body = making.so_far(shop.space)
    assert [(one.policy, one.before) for one in body.newly_failing] == [("a", "passed"), ("h", None)]
    assert [(one.policy, one.before) for one in body.newly_passing] == [
        ("b", "failed"),
        ("d", "waived"),
        ("f", "failed"),
    ]
    assert [(one.policy, one.now, one.before) for one in body.errored] == [("e", "errored", "passed")]
    assert body.newly_failing[0].page_url.endswith(f"/evaluations/{newest.pk}") and not body.quiet


def test_other_branches_other_workspaces_and_switched_off_policies_are_not_in_it(shop: Shop) -> None:
    shop.judged(timedelta(0), a="failed", b="failed")
    Policy.objects.filter(slug="b").update(enabled=False)
    side = shop.judged(timedelta(0), c="failed")
    Evaluation.objects.filter(pk=side.pk).update(ref="refs/heads/side")
    there = make.project(make.workspace("third"), "third")
    Evaluation.objects.filter(pk=shop.judged(timedelta(0), d="failed").pk).update(project=there)
    assert [one.policy for one in making.so_far(shop.space).newly_failing] == ["a"]


def test_waivers_that_end_and_the_score_with_its_trend_are_in_it(shop: Shop) -> None:
    policy = make.policy(shop.space, "a")
    day = timedelta(days=1)
    make.waiver(shop.project, policy, state="approved", expires_at=NOW + 3 * day, decided_at=NOW)
    make.waiver(shop.project, policy, state="approved", expires_at=NOW + 9 * day, decided_at=NOW)
    make.waiver(shop.project, policy, state="expired", decided_at=NOW - 5 * day, ended_at=NOW - day)
    make.waiver(shop.project, policy, state="expired", ended_at=NOW - day, requested_by="nobody decided")
    make.waiver(shop.project, policy, state="expired", decided_at=NOW - 20 * day, ended_at=NOW - 9 * day)
    for back, score in ((30, 90), (10, 80), (3, 60), (0, 70.5)):
        DailyScore.objects.create(
            project=shop.project, day=(NOW - back * day).date(), score=score, taken_at=NOW
        )
    body = making.so_far(shop.space)
    assert [one.expires_at for one in body.waivers_expiring] == [NOW + 3 * day]
    assert [one.requested_by for one in body.waivers_expired] == ["dana"]
    assert (body.score.now, body.score.before, body.score.change) == (70.5, 80, -9.5)
    assert len(body.score.days) == 56 and not body.quiet


@pytest.mark.parametrize(
    ("day", "hour", "moment", "then"),
    [
        ("monday", 7, "2026-11-30 06:59", "2026-11-30 07:00"), ("monday", 7, "2026-11-30 07:00", "2026-12-07 07:00"),
        ("sunday", 0, "2026-11-30 06:59", "2026-12-06 00:00"), ("never", 7, "2026-11-30 06:59", ""),
    ],
)  # fmt: skip
def test_the_next_one_is_worked_out(day: str, hour: int, moment: str, then: str) -> None:
    found = making.next_after(Weekday(day), hour, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert (f"{found:%Y-%m-%d %H:%M}" if found else "") == then


def test_each_is_made_and_told_once_and_what_was_missed_is_in_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shop.subscribed(["weekly_digest"])
    assert making.make_due() == 0
    planned = DigestTime.objects.get(workspace=shop.space)
    assert (planned.day, planned.hour) == ("monday", 7) and planned.due_at is not None

    def due(at: datetime) -> None:
        DigestTime.objects.filter(workspace=shop.space).update(due_at=at)
        monkeypatch.setattr("django.utils.timezone.now", lambda: at + timedelta(minutes=3))

    first = NOW + timedelta(days=1)
    shop.judged(timedelta(0), a="failed")
    due(first)
    assert (making.make_due(), making.make_due()) == (1, 0)
    later = first + timedelta(weeks=3)
    due(later)
    assert (making.make_due(), making.make_due()) == (1, 0)
    one, two = Digest.objects.order_by("until")
    assert two.since == one.until and one.until - one.since == timedelta(weeks=1)
    notices = Notice.objects.filter(subscription=told).order_by("created_at", "pk")
    assert sorted(row.body["digest"]["id"] for row in notices) == sorted([one.pk, two.pk])
    said = next(row.body for row in notices if row.body["digest"]["id"] == one.pk)
    assert said["type"] == "weekly_digest" and said["digest"]["newly_failing"][0]["policy"] == "a"
    assert OutboxMessage.objects.filter(subject="notice").count() == 2


def test_what_the_last_one_said_is_compared_with_whatever_became_of_it_since(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A waiver that ended makes of an old result a failure; nothing was evaluated since."""
    judged = shop.judged(timedelta(0), a="waived", b="failed", c="passed", d="failed")

    def digest(at: datetime) -> Digest:
        making.make_due()
        DigestTime.objects.filter(workspace=shop.space).update(due_at=at)
        monkeypatch.setattr("django.utils.timezone.now", lambda: at + timedelta(minutes=3))
        assert making.make_due() == 1
        return Digest.objects.latest("until")

    first = digest(NOW + timedelta(days=1))
    assert sorted(one["policy"] for one in first.body["newly_failing"]) == ["b", "d"]
    judged.results.filter(version__policy__slug="a").update(state="failed")
    judged.results.filter(version__policy__slug="b").update(state="errored")
    second = digest(NOW + timedelta(days=8))
    assert [(one["policy"], one["before"]) for one in second.body["newly_failing"]] == [("a", "waived")]
    assert [(one["policy"], one["before"]) for one in second.body["errored"]] == [("b", "failed")]
    judged.results.filter(version__policy__slug="b").update(state="passed")
    third = digest(NOW + timedelta(days=15))
    assert [(one["policy"], one["before"]) for one in third.body["newly_passing"]] == [("b", "failed")]
    kept = Digest.objects.exclude(verdicts={}).get()
    assert kept == third and len(kept.verdicts) == 4


def test_one_that_is_interrupted_is_made_later_and_nobody_was_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.subscribed(["weekly_digest"])
    DigestTime.objects.create(workspace=shop.space, due_at=NOW - timedelta(minutes=1))
    with monkeypatch.context() as broken:
        broken.setattr(making, "digest_made", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            making.make_due()
    assert not Digest.objects.exists() and not Notice.objects.exists()
    assert making.make_due() == 1 and Notice.objects.count() == 1


def test_workspaces_without_projects_and_those_that_want_none_get_none(shop: Shop) -> None:
    shop.project.archived_at = NOW
    shop.project.save()
    DigestTime.objects.create(workspace=shop.space, due_at=NOW)
    assert making.make_due() == 0 and DigestTime.objects.get(workspace=shop.space).due_at > NOW
    assert (
        shop.ask("admin", "PATCH", "/api/v1/workspaces/shop/digest-time", day="never").json()["due_at"]
        is None
    )


def test_admins_set_the_time_and_others_do_not(shop: Shop) -> None:
    address = "/api/v1/workspaces/shop/digest-time"
    assert shop.ask("viewer", "GET", address).json()["day"] == "monday"
    for who, status in (("viewer", 403), ("stranger", 404)):
        assert shop.ask(who, "PATCH", address, day="friday").status_code == status
        page = shop.ask(who, "POST", f"/policies/digest/{shop.space.pk}/time")
        assert page.status_code == status
    for wrong in (
        {"day": "someday", "hour": 7},
        {"day": "friday", "hour": 24},
        {"day": "friday", "hour": -1},
    ):
        refused = shop.ask("admin", "PATCH", address, **wrong)
        assert refused.status_code == 400 and refused.json()["error"]["code"] == "bad_digest_time"
    assert DigestTime.objects.get(workspace=shop.space).day == "monday"
    assert shop.ask("admin", "PATCH", address, day="friday", hour=16).json()["hour"] == 16
    client = Client()
    client.force_login(shop.people["admin"])
    for hour, kept in (("x", 16), ("²", 16), ("99", 16), ("5", 5)):
        client.post(f"/policies/digest/{shop.space.pk}/time", {"day": "friday", "hour": hour})
        assert DigestTime.objects.get(workspace=shop.space).hour == kept
    assert AuditEntry.objects.filter(action="digest.set_time").count() == 2


def test_members_read_digests_and_strangers_do_not(shop: Shop) -> None:
    shop.judged(timedelta(0), a="failed")
    DigestTime.objects.create(workspace=shop.space, due_at=NOW)
    making.make_due()
    row = Digest.objects.get()
    addresses = [
        "/api/v1/workspaces/shop/digest", "/api/v1/workspaces/shop/digests", f"/api/v1/digests/{row.pk}", f"/digests/{row.pk}",
    ]  # fmt: skip
    for address in addresses:
        assert shop.ask("viewer", "GET", address).status_code == 200
        assert shop.ask("stranger", "GET", address).status_code == 404
    (listed,) = shop.ask("viewer", "GET", addresses[1]).json()
    assert (listed["id"], listed["newly_failing"]) == (row.pk, 1)
    page = shop.ask("viewer", "GET", "/policies/digest?workspace=shop").content.decode()
    assert "Newly failing" in page and f"/digests/{row.pk}" in page and "When digests are made" not in page
    theirs = shop.ask("stranger", "GET", "/policies/digest?workspace=shop").content.decode()
    assert "Nothing new" in theirs and "Newly failing" not in theirs


def test_digests_are_kept_for_a_year(shop: Shop) -> None:
    for days in (0, 366, 367):
        at = NOW - timedelta(days=days)
        Digest.objects.create(workspace=shop.space, since=at, until=at, body={})
    assert prune(NOW + timedelta(minutes=1)) == 2 and Digest.objects.count() == 1
