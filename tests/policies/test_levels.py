"""Levels: an advisory policy fails nothing and is shown, a hard one is waived by nothing, and promotion takes tests that pass."""

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies import services
from seatrial.control.policies.errors import HardPolicy, NotPromoted
from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.rollout import services as rollout
from seatrial.control.policies.rollout.promotion import require_promotable
from seatrial.control.policies.rollout.words import what_fails, what_is_remarked
from seatrial.control.policies.weighing import weigh
from seatrial.control.triggers.reports import _described
from seatrial.control.triggers.verdict import verdict
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.states import EvaluationState, Level, ResultState, TestsState
from seatrial.wire.words import EventKind
from tests import factories as make
from tests.policies.replayed import replayed
from tests.policies.test_waivers import Shop, finish, said

D, A, S, H = Level
PASSED, FAILED, ERRORED, WAIVED = (
    ResultState.PASSED,
    ResultState.FAILED,
    ResultState.ERRORED,
    ResultState.WAIVED,
)


@pytest.mark.parametrize(
    ("results", "state", "score", "remarks"),
    [
        ([(FAILED, 10, A), (PASSED, 100, S)], "passed", 55, 1),
        ([(ERRORED, None, A), (PASSED, 100, H)], "passed", 100, 1),
        ([(FAILED, 0, A)], "passed", 0, 1),
        ([(FAILED, 0, A), (FAILED, 0, S)], "failed", 0, 1),
        ([(ERRORED, None, S), (FAILED, 0, A)], "errored", 0, 1),
        ([(WAIVED, 0, S), (PASSED, 90, A)], "passed", 90, 0),
    ],
)
def test_the_verdict_is_that_of_what_gates(
    results: list[tuple[ResultState, float | None, Level]], state: str, score: float, remarks: int
) -> None:
    rows = [
        (PolicyResult(version_id="v", slug="p", state=one, score=points), level)
        for one, points, level in results
    ]
    weighed = weigh(rows)
    assert (weighed.state, weighed.score, weighed.remarks) == (EvaluationState(state), score, remarks)


@pytest.mark.parametrize(
    ("before", "after", "tests", "why"),
    [
        (A, S, None, "has no tests"),
        (S, H, None, "has no tests"),
        (D, H, TestsState.FAILED, "its tests fail"),
        (A, H, TestsState.RUNNING, "are running"),
        (A, S, TestsState.UNTRIED, "nobody has run"),
        (A, S, TestsState.ERRORED, "could not be run"),
        (A, S, TestsState.PASSED, ""),
        (H, S, None, ""),
        (S, A, TestsState.FAILED, ""),
        (D, A, None, ""),
    ],
)
def test_only_a_policy_whose_tests_pass_may_fail_more_checks(
    before: Level, after: Level, tests: TestsState | None, why: str
) -> None:
    if not why:
        require_promotable("Readme", before, after, tests)
        return
    with pytest.raises(NotPromoted, match=why):
        require_promotable("Readme", before, after, tests)


class Rolled(Shop):
    """Policies: readme passes with 80, no secrets fails with 10; at a level."""

    def at(self, level: Level) -> Evaluation:
        Policy.objects.filter(slug="no-secrets").update(level=level)
        self.secrets.refresh_from_db()
        self.pull.head_sha = make.sha()
        self.pull.save()
        evaluation = services.rerun(self.pull, by=Actor.person("olga"))
        assert evaluation is not None
        results = [
            one
            for one in (said(self.readme, "passed", 80), said(self.secrets, "failed", 10))
            if evaluation.versions.filter(pk=one.version_id).exists()
        ]
        finish(evaluation, *results)
        return evaluation


@pytest.fixture
def shop(db: None) -> Rolled:
    return Rolled()


@pytest.mark.postgres
def test_an_advisory_failure_passes_and_is_remarked_wherever_the_verdict_is(shop: Rolled) -> None:
    evaluation = shop.at(A)
    assert (evaluation.state, evaluation.score, evaluation.remarks) == ("passed", 45.0, 1)
    assert what_is_remarked(evaluation) == "advisory: no-secrets failed" and not what_fails(evaluation)
    text = "\n".join(verdict(evaluation))
    assert "passed, score 45, 1 remark" in text and "failed (advisory)" in text
    client = Client()
    client.force_login(shop.dana)
    page = client.get(f"/evaluations/{evaluation.pk}").content.decode()
    assert "1 remark" in page and "fails no check" in page and "Request a waiver" not in page


@pytest.mark.postgres
def test_the_line_of_a_check_begins_with_the_policies_that_fail_it(shop: Rolled) -> None:
    evaluation = shop.at(S)
    assert (what_fails(evaluation), what_is_remarked(evaluation)) == ("no-secrets", "")
    evaluation.results.filter(version=shop.readme).update(state="errored")
    assert what_fails(evaluation) == "has-readme errored, no-secrets"
    assert _described(evaluation) == "failed: has-readme errored, no-secrets"


@pytest.mark.postgres
def test_the_level_stays_as_it_was_when_the_evaluation_began(shop: Rolled) -> None:
    evaluation = shop.at(A)
    Policy.objects.update(level=H)
    result = evaluation.results.get(version=shop.secrets)
    assert result.level is A


@pytest.mark.postgres
def test_a_draft_does_not_run(shop: Rolled) -> None:
    assert [one.pk for one in shop.at(D).versions.all()] == [shop.readme.pk]


@pytest.mark.postgres
def test_nothing_waives_a_hard_policy(shop: Rolled) -> None:
    asked = shop.request()
    evaluation = shop.at(H)
    with pytest.raises(HardPolicy, match="no-secrets is a hard policy"):
        shop.request()
    with pytest.raises(HardPolicy):
        shop.approve(asked)
    assert evaluation.state == "failed"


@pytest.mark.postgres
def test_where_all_is_advisory_an_agent_that_fails_fails_nothing(shop: Rolled) -> None:
    Policy.objects.update(level=A)
    evaluation = services.rerun(shop.pull, by=Actor.person("olga"))
    assert evaluation is not None
    services.give_up(evaluation.pk, "no agent took it")
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.remarks, evaluation.message) == ("passed", 2, "no agent took it")


@pytest.mark.postgres
def test_a_level_is_changed_by_those_who_manage_policies_and_recorded(shop: Rolled) -> None:
    make.workspace("elsewhere", owner=shop.stranger)
    address = "/policies/shop/no-secrets/level"
    for who, status in ((shop.dana, 403), (shop.stranger, 404), (shop.owner, 302)):
        client = Client()
        client.force_login(who)
        assert client.post(address, {"level": "advisory"}).status_code == status
        assert client.get("/policies/shop/no-secrets/rollout").status_code == (404 if status == 404 else 200)
    entry = AuditEntry.objects.get(action="policy.level")
    assert entry.details == {"policy": "no-secrets", "from": "soft", "to": "advisory"}
    known = client.get("/api/v1/policies/no-secrets/rollout?workspace=shop").json()
    assert known["level"] == "advisory"
    rest = f"/api/v1/policies/{known['id']}/level"
    answer = client.patch(rest, {"level": "hard"}, "application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_promoted")
    answer = client.patch(rest, {"level": "hrad"}, "application/json")
    assert answer.status_code == 400 and "Did you mean hard?" in answer.json()["error"]["message"]


@pytest.mark.postgres
def test_with_tests_that_pass_a_policy_is_promoted(shop: Rolled) -> None:
    policy = shop.secrets.policy
    replayed(shop.secrets, PASSED)
    promoted = rollout.set_level(policy, H, by=Actor.person("olga"), tested=lambda _: TestsState.PASSED)
    assert promoted.level == "hard"
    evaluation = services.evaluate(shop.project, commit=make.sha(), ref="refs/heads/x", event=EventKind.PUSH)
    assert evaluation is not None and evaluation.level_of(shop.secrets.pk) is H
