"""Scores: what they are made of, when they are taken, how long they are kept, and who sees them."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.notices.models import Notice, Subscription
from seatrial.control.policies.scores.charts import chart
from seatrial.control.policies.scores.counting import Said, Tally, newest_of_each, tally
from seatrial.control.policies.scores.grades import Grade, grade
from seatrial.control.policies.scores.models import Basis, DailyScore
from seatrial.control.policies.scores.retention import prune
from seatrial.control.policies.scores.taking import due, score_now, take
from seatrial.control.policies.scores.trends import Trend, of_stacks, together
from seatrial.control.projects.models import Project
from seatrial.control.worker.errands import scores
from seatrial.control.worker.sweeps import ask_for_scores
from seatrial.wire.states import ResultState
from tests import factories as make

TODAY = date(2026, 11, 29)


def said(policy: str, state: str, score: float | None = None, order: str = "") -> Said:
    return Said(policy, ResultState(state), score, order)


def test_only_what_passed_or_failed_makes_the_score() -> None:
    results = [
        said("a", "passed", 80), said("b", "failed", 10), said("c", "errored", 0), said("d", "timed_out"),
        said("e", "skipped", 0), said("f", "waived", 0),
    ]  # fmt: skip
    assert tally(results) == Tally(score=45, passed=1, failed=1, waived=1, errored=2)
    assert tally(results[2:]) == Tally(score=None, waived=1, errored=2)


def test_of_two_verdicts_on_a_branch_each_policys_newest_word_counts() -> None:
    results = [said("a", "failed", 0, "2"), said("a", "passed", 100, "1"), said("b", "passed", 50, "1")]
    assert tally(newest_of_each(results)) == Tally(score=25, passed=1, failed=1)


@pytest.mark.parametrize(
    ("score", "named"),
    [(100, "excellent"), (90, "excellent"), (89.9, "good"), (70, "good"), (50, "warning"), (49.9, "critical"), (0, "critical"), (None, "none")],
)  # fmt: skip
def test_grades_begin_where_they_are_documented(score: float | None, named: str) -> None:
    assert grade(score) is Grade(named)


def test_a_chart_is_broken_where_a_day_has_no_score() -> None:
    days = [
        (TODAY + timedelta(days=number), score)
        for number, score in enumerate([0, 100, None, 50, None, 75, 75])
    ]
    drawn = chart(days, width=100, height=100, left=0, foot=0)
    assert drawn.path.count("M") == 2 and drawn.path.startswith("M0.0,100.0 L14.7,10.0")
    assert len(drawn.dots) == 1 and drawn.last == (88.0, 32.5)
    assert [tick.word for tick in drawn.days] == ["29 Nov", "1 Dec", "2 Dec", "3 Dec", "5 Dec"]


@pytest.mark.parametrize("days", [[], [(TODAY, None)], [(TODAY, 50.0)]])
def test_a_chart_of_hardly_anything_is_still_one(days: Any) -> None:
    assert chart(days).path == ""


def test_a_workspace_is_the_mean_of_its_projects_day_by_day() -> None:
    days = [TODAY, TODAY + timedelta(days=1)]
    one = Trend("one", "1", [(days[0], 50.0), (days[1], 100.0)], Tally(100, passed=1))
    two = Trend("two", "2", [(days[0], None), (days[1], 0.0)], Tally(0, failed=2, waived=1))
    whole = together("all", "all", [one, two])
    assert whole.days == [(days[0], 50.0), (days[1], 50.0)]
    assert whole.now == Tally(50, passed=1, failed=2, waived=1) and whole.change == 0
    assert one.change == 50 and two.change is None


def test_projects_of_a_stack_are_one_trend() -> None:
    trends = [
        Trend(name, name, [(TODAY, score)], Tally(score), stack=stack)
        for name, score, stack in [("a", 50, "django"), ("b", 100, "django"), ("c", 0, "go"), ("d", 10, "")]
    ]
    found = [(one.key, one.now.score, one.projects) for one in of_stacks(trends)]
    assert found == [("django", 75, 2), ("go", 0, 1)]


class Shop:
    """A project with a verdict on its default branch, of 60, and one on an open pull request, of 20."""

    def __init__(self) -> None:
        self.workspace = make.workspace("shop", owner=make.user("olga"))
        self.project = make.project(self.workspace, "shop")
        self.policy = make.policy(self.workspace, "Has readme")
        self.pull = make.pull_request(self.project)
        self.judged(20, pull=True)
        self.judged(60)

    def judged(
        self, score: float | None, *, pull: bool = False, state: str = "failed", said: str = "failed"
    ) -> Evaluation:
        place = {
            "pull_request": self.pull if pull else None,
            "ref": "refs/heads/change-1" if pull else "refs/heads/main",
        }
        event = "pull_request" if pull else "push"
        made = Evaluation.objects.create(
            project=self.project, commit=make.sha(), event=event, state=state, score=score, **place
        )
        if score is not None:
            make.result(made, self.policy, state=said, score=score)
        return made

    def score(self) -> tuple[str, float | None]:
        basis, taken = score_now(self.project)
        return basis, taken.score


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop()


@pytest.mark.postgres
def test_the_default_branch_counts_and_open_pull_requests_only_without_it(shop: Shop) -> None:
    assert shop.score() == (Basis.DEFAULT_BRANCH, 60)
    Evaluation.objects.filter(pull_request=None).delete()
    assert shop.score() == (Basis.PULL_REQUESTS, 20)
    shop.pull.state = "closed"
    shop.pull.save()
    assert shop.score() == (Basis.NOTHING, None)


@pytest.mark.postgres
def test_a_verdict_stands_until_the_next_one_says_something(shop: Shop) -> None:
    shop.judged(None, state="running")
    shop.judged(None, state="errored")
    assert shop.score() == (Basis.DEFAULT_BRANCH, 60)
    shop.judged(90, state="errored", said="passed")
    assert shop.score() == (Basis.DEFAULT_BRANCH, 90)
    shop.judged(None, state="passed")
    assert shop.score() == (Basis.DEFAULT_BRANCH, None)


@pytest.mark.postgres
def test_a_score_is_taken_once_a_day_and_a_fall_is_told_once(shop: Shop) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    DailyScore.objects.create(project=shop.project, day=yesterday.date(), score=70, taken_at=yesterday)
    subscription = Subscription(
        workspace=shop.workspace, url="https://a.example", kinds=["score_fell"], secret="s"
    )
    subscription.save(force_insert=True)
    take(shop.project.pk)
    take(shop.project.pk)
    (told,) = Notice.objects.all()
    assert told.body["score"] == {"before": 70, "now": 60}
    assert list(DailyScore.objects.order_by("day").values_list("score", "failed")) == [(70, 0), (60, 1)]
    shop.judged(80, said="passed")
    take(shop.project.pk)
    assert DailyScore.objects.latest("day").score == 80 and Notice.objects.count() == 1


@pytest.mark.postgres
def test_the_sweep_asks_for_what_is_missing_or_old(shop: Shop) -> None:
    now = timezone.now()
    Project.objects.create(
        workspace=shop.workspace,
        connection=shop.project.connection,
        external_id="x",
        name="x",
        slug="x",
        archived_at=now,
    )
    ask_for_scores()
    row = OutboxMessage.objects.get(subject="score")
    scores().act(row.body)
    assert DailyScore.objects.get().score == 60
    assert due(now) == [] and due(now + timedelta(minutes=61)) == [shop.project.pk]


@pytest.mark.postgres
def test_scores_are_kept_for_a_year(shop: Shop) -> None:
    now = timezone.now()
    for days in (0, 366, 367):
        day = (now - timedelta(days=days)).date()
        DailyScore.objects.create(project=shop.project, day=day, score=days / 4, taken_at=now)
    assert prune(now) == 1 and DailyScore.objects.count() == 2


@pytest.mark.postgres
def test_members_see_scores_and_strangers_do_not(shop: Shop) -> None:
    take(shop.project.pk)
    viewer, stranger = make.user("vera"), make.user("sam")
    shop.workspace.memberships.create(user=viewer, role="viewer")
    elsewhere = make.workspace("elsewhere", owner=stranger)
    seen = asked(viewer, "/api/v1/scores?days=2")
    assert [(row["kind"], row["id"], row["score"], row["grade"]) for row in seen] == [
        ("workspace", "shop", 60, "warning"),
        ("project", shop.project.pk, 60, "warning"),
    ]
    assert seen[1]["basis"] == "default_branch" and len(seen[1]["days"]) == 2
    assert asked(viewer, "/api/v1/scores?project=shop&days=1") == [{**seen[1], "days": seen[1]["days"][1:]}]
    assert asked(stranger, "/api/v1/scores") == [
        {**asked(stranger, "/api/v1/scores")[0], "id": elsewhere.slug}
    ]
    assert asked(stranger, "/api/v1/scores?workspace=shop") == []
    assert asked(viewer, "/api/v1/scores?project=none") == []
    Project.objects.update(stack="django")
    assert [row["kind"] for row in asked(viewer, "/api/v1/scores")] == ["workspace", "stack", "project"]
    assert ">django</th>" in text(viewer, "/policies/scores")
    page = text(viewer, "/policies/scores")
    assert ">shop</a>" in page and "its default branch" in page and "<title id=" in page
    assert ">shop</a>" not in text(stranger, "/policies/scores?workspace=shop")
    assert "made of its default branch" in text(viewer, f"/projects/{shop.project.pk}")


def asked(who: Any, address: str) -> Any:
    client = Client()
    client.force_login(who)
    return json.loads(client.get(address).content)


def text(who: Any, address: str) -> str:
    client = Client()
    client.force_login(who)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()
