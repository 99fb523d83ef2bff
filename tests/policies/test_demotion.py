"""A policy that errs too often becomes advisory by itself, and its page says so."""

from typing import Any

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.models import Attachment, Evaluation, Policy, Result
from seatrial.control.policies.rollout import services as rollout
from seatrial.control.policies.rollout.demotion import LAST, errs_too_often
from seatrial.wire.states import Level, ResultState, TestsState
from tests import factories as make
from tests.policies.test_waivers import Shop, finish, said


@pytest.mark.parametrize(
    ("errors", "of", "expected"),
    [(11, 20, True), (10, 20, False), (19, 19, False), (20, 20, True), (0, 20, False)],
)
def test_more_than_half_of_the_last_twenty_is_too_often(errors: int, of: int, expected: bool) -> None:
    states = [ResultState.TIMED_OUT, *[ResultState.ERRORED] * (errors - 1)] if errors else []
    assert errs_too_often([*states, *[ResultState.PASSED] * (of - errors)]) is expected


class Erring(Shop):
    """No secrets has erred nineteen times; what comes next is the twentieth result."""

    def __init__(self) -> None:
        super().__init__()
        Result.objects.filter(version=self.secrets).delete()
        self.erred(LAST - 1)

    def erred(self, times: int, **fields: Any) -> None:
        rows = Evaluation.objects.bulk_create(
            Evaluation(project=self.project, commit=make.sha(), state="errored") for _ in range(times)
        )
        values = {"version": self.secrets, "state": "errored", "seconds": 0.2, **fields}
        Result.objects.bulk_create(Result(evaluation=row, **values) for row in rows)

    def judge(self, **fields: Any) -> Policy:
        made = make.evaluation(self.pull, state="running", commit=make.sha())
        made.versions.set([self.secrets])
        result = said(self.secrets, "errored", 0)
        finish(made, result.model_copy(update={"score": None, "seconds": 0.1, **fields}))
        return Policy.objects.get(pk=self.secrets.policy_id)


@pytest.fixture
def shop(db: None) -> Erring:
    return Erring()


@pytest.mark.postgres
def test_it_becomes_advisory_everywhere_and_says_why(shop: Erring) -> None:
    Attachment.objects.create(policy=shop.secrets.policy, label="pay", level="hard", by="olga")
    policy = shop.judge()
    assert policy.level == "advisory" and not policy.attachments.filter(level="hard").exists()
    entry = AuditEntry.objects.get(action="policy.demote")
    assert (entry.actor, entry.details["from"], entry.details["errors"]) == ("system", "soft", 20)
    client = Client()
    client.force_login(shop.dana)
    page = client.get("/policies/shop/no-secrets/rollout").content.decode()
    assert "20 of its last 20 results were errors or time-outs" in page
    shop.judge()
    assert AuditEntry.objects.filter(action="policy.demote").count() == 1


@pytest.mark.postgres
def test_what_the_policy_did_not_do_does_not_count(shop: Erring) -> None:
    assert shop.judge(seconds=0).level == "soft"
    Result.objects.update(seconds=0)
    assert shop.judge().level == "soft"


@pytest.mark.postgres
def test_a_level_that_somebody_gave_back_counts_from_then_on(shop: Erring) -> None:
    policy = shop.judge()
    back = rollout.set_level(policy, Level.SOFT, by=Actor.person("olga"), tested=lambda _: TestsState.PASSED)
    assert back.demotion == {}
    assert shop.judge().level == "soft"
