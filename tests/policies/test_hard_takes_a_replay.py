"""Nothing waives a hard policy, so its newest version is replayed before it is hard. Broken glass is counted in the score."""

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.authoring.writing import edit
from seatrial.control.policies.errors import NotPromoted, NotReplayed
from seatrial.control.policies.glass.services import break_glass
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.rollout.attaching import Target, attach
from seatrial.control.policies.rollout.services import set_level
from seatrial.wire.states import Level, ResultState, TestsState
from tests.policies.replayed import replayed
from tests.policies.test_levels import Rolled

pytestmark = pytest.mark.postgres
OLGA = Actor.person("olga")


@pytest.fixture
def shop(db: None) -> Rolled:
    return Rolled()


def harden(shop: Rolled, tests: TestsState = TestsState.PASSED) -> Policy:
    return set_level(shop.secrets.policy, Level.HARD, by=OLGA, tested=lambda _: tests)


def newest(shop: Rolled) -> PolicyVersion:
    return shop.secrets.policy.versions.order_by("-number")[0]


def test_without_a_replay_a_policy_stays_soft_and_the_page_offers_one(shop: Rolled) -> None:
    with pytest.raises(NotReplayed, match="seatrial policy replay no-secrets"):
        harden(shop)
    client = Client()
    client.force_login(shop.owner)
    page = client.get("/policies/shop/no-secrets/rollout").content.decode()
    assert "Before it is hard" in page and "Replay</button>" in page
    replayed(newest(shop), ResultState.FAILED, ResultState.PASSED)
    assert "Replay again" in client.get("/policies/shop/no-secrets/rollout").content.decode()
    assert harden(shop).level == Level.HARD


def test_an_attachment_cannot_be_hard_without_it_either(shop: Rolled) -> None:
    hard = {"by": OLGA, "level": Level.HARD, "tested": lambda _: TestsState.PASSED}
    with pytest.raises(NotReplayed):
        attach(shop.secrets.policy, Target(label="pay"), **hard)
    replayed(newest(shop), ResultState.PASSED)
    assert attach(shop.secrets.policy, Target(label="pay"), **hard).level == Level.HARD


def test_the_replay_is_of_the_version_that_runs(shop: Rolled) -> None:
    replayed(newest(shop), ResultState.PASSED)
    policy = shop.secrets.policy
    edit(
        policy,
        "def evaluate(project):\n    return {'passed': True}\n",
        based_on=policy.versions.count(),
        by=OLGA,
    )
    with pytest.raises(NotReplayed):
        harden(shop)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([ResultState.ERRORED, ResultState.TIMED_OUT, ResultState.PASSED], "erred on 2 of 3 commits"),
        (["", ""], "no agent could run it"),
    ],
)
def test_a_replay_that_says_nothing_is_none(shop: Rolled, said: list[str], why: str) -> None:
    replayed(newest(shop), *said)
    with pytest.raises(NotReplayed, match=why):
        harden(shop)


def test_tests_that_fail_are_said_first_and_soft_takes_no_replay(shop: Rolled) -> None:
    with pytest.raises(NotPromoted, match="its tests fail") as refused:
        harden(shop, TestsState.FAILED)
    assert not isinstance(refused.value, NotReplayed)
    Policy.objects.filter(slug="no-secrets").update(level=Level.ADVISORY)
    soft = set_level(shop.secrets.policy, Level.SOFT, by=OLGA, tested=lambda _: TestsState.PASSED)
    assert soft.level == Level.SOFT


def test_a_draft_is_said_to_run_nowhere(shop: Rolled) -> None:
    client = Client()
    client.force_login(shop.owner)
    assert "Runs in" in client.get("/policies/shop/no-secrets").content.decode()
    Policy.objects.filter(slug="no-secrets").update(level=Level.DRAFT)
    page = client.get("/policies/shop/no-secrets").content.decode()
    assert "Runs in" not in page and "A draft runs nowhere yet" in page


def test_breaking_glass_has_the_score_taken(shop: Rolled) -> None:
    evaluation = shop.at(Level.SOFT)
    OutboxMessage.objects.all().delete()
    break_glass(evaluation, reason="Fire", by=OLGA, person=shop.owner)
    assert OutboxMessage.objects.filter(subject=Instruction.SCORE, body__project=shop.project.pk).exists()
