"""A waived failure is shown as waived, does not fail the check, and fails again when the waiver ends."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction
from django.utils import timezone

from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import results as evaluations
from seatrial.control.policies import services
from seatrial.control.policies.errors import (
    AskedAlready,
    BadWaiver,
    NoSuchPolicy,
    NotInThisState,
    OwnRequest,
)
from seatrial.control.policies.models import Evaluation, PolicyVersion, Result, Waiver
from seatrial.control.policies.retention import prune_waivers
from seatrial.control.policies.waivers import services as waivers
from seatrial.control.policies.waivers.ending import end_due
from seatrial.control.policies.waivers.scope import Scope
from seatrial.control.policies.waivers.search import UNUSED, Wanted, matching
from seatrial.control.policies.waivers.words import what_is_waived
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from seatrial.wire.states import EvaluationState, ResultState, WaiverState
from tests import factories as make
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
WHOLE = Scope()
KEYS = {"findings": [{"file": "vendor/key.pem", "line": 1}]}


class Shop:
    """A pull request whose policies said: has readme passed with 80, no secrets failed with 10."""

    def __init__(self) -> None:
        self.owner, self.dana, self.stranger = make.user("olga"), make.user("dana"), make.user("sam")
        self.workspace = make.workspace("shop", owner=self.owner, developer=self.dana)
        self.project = make.project(self.workspace, "shop")
        self.pull = make.pull_request(self.project)
        self.readme = make.policy(self.workspace, "Has readme")
        self.secrets = make.policy(self.workspace, "No secrets")
        self.evaluation = self.judged(self.pull)
        OutboxMessage.objects.all().delete()

    def judged(self, pull: PullRequest, details: dict[str, Any] | None = None) -> Evaluation:
        """The verdict on the pull request's newest commit."""
        made = make.evaluation(pull, state="running", ref=f"refs/heads/{pull.branch}")
        made.versions.set([self.readme, self.secrets])
        finish(
            made, said(self.readme, "passed", 80), said(self.secrets, "failed", 10, details=details or KEYS)
        )
        return made

    def request(self, scope: Scope = WHOLE, *, by: User | None = None, **fields: Any) -> Waiver:
        person = by or self.dana
        asked = {"reason": "a key for tests", "by": Actor.person(person.username), "person": person, **fields}
        return waivers.request(self.project, "no-secrets", scope=scope, **asked)

    def approve(self, waiver: Waiver, *, by: User | None = None) -> Waiver:
        person = by or self.owner
        waivers.approve(waiver, by=Actor.person(person.username), person=person)
        waiver.refresh_from_db()
        return waiver

    def approved(self, scope: Scope = WHOLE, **fields: Any) -> Waiver:
        return self.approve(self.request(scope, **fields))


def said(version: PolicyVersion, state: str, score: float, **fields: Any) -> PolicyResult:
    return PolicyResult(
        version_id=version.pk, slug=version.policy.slug, state=ResultState(state), score=score, **fields
    )


def finish(evaluation: Evaluation, *results: PolicyResult) -> None:
    event = EvaluationFinished(
        evaluation=evaluation.pk, state=EvaluationState.FAILED, results=list(results), seconds=1
    )
    evaluations.finished("agent", event)
    evaluation.refresh_from_db()


def seen(evaluation: Evaluation) -> tuple[str, float | None, int, str]:
    """Its verdict, score and number of waived results, and what the policy that failed said."""
    evaluation.refresh_from_db()
    result = evaluation.results.get(version__policy__slug="no-secrets")
    return evaluation.state, evaluation.score, evaluation.waived, result.state


FAILED, WAIVED = ("failed", 45.0, 0, "failed"), ("passed", 80.0, 1, "waived")


def reports() -> list[str]:
    """The commits whose verdict is to be reported, since this was asked last."""
    rows = list(OutboxMessage.objects.filter(subject="report", body__has_key="commit").order_by("id"))
    OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return [row.body["commit"] for row in rows]


def expire(waiver: Waiver) -> None:
    Waiver.objects.filter(pk=waiver.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert end_due() == 1
    waiver.refresh_from_db()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_request_alone_waives_nothing(shop: Shop) -> None:
    assert seen(shop.evaluation) == FAILED
    waiver = shop.request()
    assert waiver.state == WaiverState.REQUESTED and seen(shop.evaluation) == FAILED and reports() == []
    assert waiver.version == shop.secrets and timedelta(days=29) < waiver.expires_at - timezone.now()


def test_an_approved_waiver_waives_the_failure_and_the_forge_is_told(shop: Shop) -> None:
    waiver = shop.approved()
    assert seen(shop.evaluation) == WAIVED and reports() == [shop.evaluation.commit]
    until = f"{waiver.expires_at:%Y-%m-%d}"
    assert what_is_waived(shop.evaluation) == f"no-secrets waived by olga until {until}: a key for tests"


def test_what_comes_later_is_waived_too_until_it_expires(shop: Shop) -> None:
    waiver = shop.approved()
    shop.pull.head_sha = make.sha()
    shop.pull.save()
    second = shop.judged(shop.pull)
    assert seen(second) == WAIVED
    reports()
    expire(waiver)
    assert (waiver.state, waiver.ended_by) == ("expired", "system")
    assert seen(second) == FAILED and reports() == [second.commit]
    assert seen(shop.evaluation) == WAIVED, "an older commit's verdict is history"
    assert seen(shop.judged(make.pull_request(shop.project))) == FAILED


def test_a_waiver_whose_time_is_over_waives_nothing_before_the_sweep_comes(shop: Shop) -> None:
    waiver = shop.approved()
    Waiver.objects.filter(pk=waiver.pk).update(expires_at=timezone.now())
    assert seen(shop.judged(make.pull_request(shop.project))) == FAILED


def test_other_failures_fail_all_the_same(shop: Shop) -> None:
    Result.objects.filter(evaluation=shop.evaluation, version=shop.readme).update(state="failed", score=20)
    shop.approved()
    assert seen(shop.evaluation) == ("failed", 20.0, 1, "waived") and reports() == [shop.evaluation.commit]


def test_an_error_cannot_be_waived(shop: Shop) -> None:
    shop.evaluation.results.filter(version=shop.secrets).update(state="errored", score=None)
    shop.approved()
    shop.evaluation.refresh_from_db()
    assert shop.evaluation.results.get(version=shop.secrets).state == ResultState.ERRORED and reports() == []


def test_another_repository_is_not_concerned(shop: Shop) -> None:
    other = make.pull_request(make.project(shop.workspace, "other"))
    shop.approved()
    assert seen(shop.judged(other)) == FAILED


def test_a_path_covers_what_is_found_there_and_nothing_beside_it(shop: Shop) -> None:
    shop.approved(Scope(path="vendor"))
    assert seen(shop.evaluation) == WAIVED
    more = {"findings": [*KEYS["findings"], {"file": "src/key.pem", "line": 1}]}
    assert seen(shop.judged(make.pull_request(shop.project), more)) == FAILED


def test_two_waivers_can_cover_a_failure_together(shop: Shop) -> None:
    more = {"findings": [*KEYS["findings"], {"file": "src/key.pem", "line": 1}]}
    evaluation = shop.judged(make.pull_request(shop.project), more)
    first = shop.approved(Scope(path="vendor"))
    assert seen(evaluation) == FAILED
    shop.approved(Scope(path="src/key.pem"), reason="another key")
    assert seen(evaluation) == WAIVED
    assert "a key for tests; waived by olga" in what_is_waived(evaluation)
    waivers.withdraw(first, by=Actor.person("olga"))
    assert seen(evaluation) == FAILED


def test_a_second_waiver_takes_over_when_the_first_ends(shop: Shop) -> None:
    first, second = shop.approved(days=5), shop.approved(days=50)
    assert list(shop.evaluation.results.get(version=shop.secrets).waivers.all()) == [second]
    expire(first)
    assert seen(shop.evaluation) == WAIVED
    expire(second)
    assert seen(shop.evaluation) == FAILED


def test_a_new_version_of_the_policy_ends_it(shop: Shop) -> None:
    waiver, asked = shop.approved(), shop.request(Scope(path="vendor"))
    newer = PolicyVersion.objects.create(policy=shop.secrets.policy, number=2, code="2", digest="2")
    assert seen(shop.judged(make.pull_request(shop.project))) == FAILED, "already before the sweep"
    with pytest.raises(NotInThisState, match="bound to version 1"):
        shop.approve(asked)
    assert end_due() == 2 and end_due() == 0
    for row in (waiver, asked):
        row.refresh_from_db()
        assert (row.state, row.note) == ("withdrawn", "The policy has a new version.")
    assert seen(shop.evaluation) == FAILED
    assert shop.request().version == newer


def test_a_request_that_nobody_decides_expires(shop: Shop) -> None:
    waiver = shop.request()
    expire(waiver)
    assert waiver.state == WaiverState.EXPIRED and reports() == []
    with pytest.raises(NotInThisState, match="It is expired"):
        shop.approve(waiver)


def test_a_withdrawn_one_fails_again(shop: Shop) -> None:
    waiver = shop.approved()
    reports()
    waivers.withdraw(waiver, by=Actor.person("dana"), note="the key is\nrevoked")
    waiver.refresh_from_db()
    assert (waiver.state, waiver.ended_by, waiver.note) == ("withdrawn", "dana", "the key is revoked")
    assert seen(shop.evaluation) == FAILED and reports() == [shop.evaluation.commit]


def test_one_that_waives_nothing_any_more_is_listed_as_unused(shop: Shop) -> None:
    waiver, wanted = shop.approved(), Wanted(state=UNUSED)
    shop.request(Scope(path="elsewhere"))
    assert not matching(Waiver.objects.all(), wanted).exists()
    made = make.evaluation(shop.pull, state="running", ref=f"refs/heads/{shop.pull.branch}")
    made.versions.set([shop.readme, shop.secrets])
    assert not matching(Waiver.objects.all(), wanted).exists(), "the verdict before still stands"
    finish(made, said(shop.readme, "passed", 80), said(shop.secrets, "passed", 100))
    assert list(matching(Waiver.objects.all(), wanted)) == [waiver]


def test_a_rejected_one_waives_nothing_and_stays_rejected(shop: Shop) -> None:
    waiver = shop.request()
    waivers.reject(waiver, by=Actor.person("olga"), note="revoke it")
    for again in (shop.approve, lambda row: waivers.withdraw(row, by=Actor.person("dana"))):
        with pytest.raises(NotInThisState, match="It is rejected: it has ended"):
            again(waiver)
    assert seen(shop.evaluation) == FAILED and reports() == []


def test_a_pull_request_that_was_closed_meanwhile_is_judged_anew_when_it_is_open_again(shop: Shop) -> None:
    waiver = shop.approved()
    PullRequest.objects.update(state="closed")
    reports()
    expire(waiver)
    assert seen(shop.evaluation) == WAIVED and reports() == []
    PullRequest.objects.update(state="open")
    known = services.evaluate(
        shop.project, commit=shop.pull.head_sha, ref=shop.evaluation.ref, event="pull_request", pull_request=shop.pull
    )  # fmt: skip
    assert known == shop.evaluation and known.state == EvaluationState.FAILED
    assert seen(shop.evaluation) == FAILED and reports() == [shop.evaluation.commit]


def test_nobody_approves_what_they_asked_for(shop: Shop) -> None:
    waiver = shop.request(by=shop.owner)
    with pytest.raises(OwnRequest):
        shop.approve(waiver, by=shop.owner)
    assert seen(shop.evaluation) == FAILED


@pytest.mark.parametrize("login", ["Olga", "olga-at-the-forge"])
def test_not_even_when_they_asked_in_a_comment(shop: Shop, login: str) -> None:
    SocialAccount.objects.create(
        user=shop.owner, provider="github", uid="7", extra_data={"login": "Olga-at-the-forge"}
    )
    by = Actor.commenter(login, connection="github.com")
    waiver = waivers.request(
        shop.project, "no-secrets", scope=Scope(), reason="x", by=by, person=None, login=login
    )
    with pytest.raises(OwnRequest):
        shop.approve(waiver, by=shop.owner)
    other = make.user("ada")
    assert shop.approve(waiver, by=other).decided_by == "ada"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"reason": " \n "}, "Say why"),
        ({"reason": "x" * 1001}, "at most 1000"),
        ({"days": 0}, "from 1 to 90 days, not 0"),
        ({"days": 91}, "from 1 to 90 days, not 91"),
    ],
)
def test_reason_and_end_are_mandatory(shop: Shop, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadWaiver, match=why):
        shop.request(**fields)
    assert not Waiver.objects.exists()


def test_the_same_is_asked_for_once_at_a_time(shop: Shop) -> None:
    waiver = shop.request()
    with pytest.raises(AskedAlready, match=f"dana has asked for it already.*{waiver.pk}"):
        shop.request()
    shop.request(Scope(path="vendor"))
    waivers.reject(waiver, by=Actor.person("olga"))
    shop.request()


def test_only_policies_of_the_workspace_and_projects_under_trial(shop: Shop) -> None:
    make.policy(make.workspace("else"), "Theirs")
    with pytest.raises(NoSuchPolicy, match="There is: has-readme, no-secrets"):
        waivers.request(
            shop.project, "theirs", scope=Scope(), reason="x", by=Actor.person("dana"), person=shop.dana
        )
    Project.objects.update(archived_at=timezone.now())
    with pytest.raises(ProjectArchived):
        shop.request()


def test_everything_is_in_the_audit_log(shop: Shop) -> None:
    waiver = shop.approved(Scope(path="vendor"))
    expire(waiver)
    waivers.withdraw(shop.request(), by=Actor.person("dana"))
    waivers.reject(shop.request(), by=Actor.person("olga"), note="no")
    entries = AuditEntry.objects.filter(action__startswith="waiver.").order_by("id")
    assert [(one.action, one.actor) for one in entries] == [
        ("waiver.request", "dana"),
        ("waiver.approve", "olga"),
        ("waiver.expire", "system"),
        ("waiver.request", "dana"),
        ("waiver.withdraw", "dana"),
        ("waiver.request", "dana"),
        ("waiver.reject", "olga"),
    ]
    assert entries[0].details["scope"] == "vendor" and entries[0].workspace == shop.workspace.pk
    assert entries[6].details["note"] == "no"


def test_what_ended_long_ago_and_no_result_refers_to_is_deleted(shop: Shop) -> None:
    used, unused, in_force = shop.approved(), shop.approved(Scope(path="a")), shop.approved(Scope(path="b"))
    long_ago = timezone.now() - timedelta(days=1000)
    Waiver.objects.exclude(pk=in_force.pk).update(ended_at=long_ago, state="expired")
    assert prune_waivers(timezone.now()) == 1
    assert set(Waiver.objects.all()) == {used, in_force} and not Waiver.objects.filter(pk=unused.pk).exists()
    Evaluation.objects.all().delete()
    assert prune_waivers(timezone.now()) == 1 and list(Waiver.objects.all()) == [in_force]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["results", "approval"])
def test_an_approval_and_results_at_the_same_time_miss_each_other_never(shop: Shop, first: str) -> None:
    evaluation = make.evaluation(make.pull_request(shop.project), state="running", ref="refs/heads/other")
    evaluation.versions.set([shop.secrets])
    waiver = shop.request()
    begun, go_on = threading.Event(), threading.Event()

    def finishing() -> None:
        finish(Evaluation.objects.get(pk=evaluation.pk), said(shop.secrets, "failed", 10))

    def approving() -> None:
        shop.approve(waiver)

    def held(work: Any) -> None:
        try:
            with transaction.atomic():
                work()
                begun.set()
                assert go_on.wait(60)
        finally:
            connection.close()

    def beside(work: Any) -> None:
        try:
            work()
        finally:
            connection.close()

    works = [finishing, approving] if first == "results" else [approving, finishing]
    one = threading.Thread(target=held, args=(works[0],))
    other = threading.Thread(target=beside, args=(works[1],))
    one.start()
    assert begun.wait(60)
    other.start()
    wait_for_a_lock()
    go_on.set()
    for thread in (one, other):
        thread.join(60)
        assert not thread.is_alive()
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.waived) == ("passed", 1)


def wait_for_a_lock() -> None:
    """Until a session waits for another one's."""

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            return bool(cursor.fetchone()[0])

    eventually(waits)
