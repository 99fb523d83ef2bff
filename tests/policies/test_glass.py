"""In an emergency one commit passes for a while; everybody sees who let it, and it fails again afterwards."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies import services
from seatrial.control.policies.errors import BadGlass, GlassIsBroken, NothingToBreak
from seatrial.control.policies.glass import services as glass
from seatrial.control.policies.glass.words import why_it_passes
from seatrial.control.policies.models import BrokenGlass, Evaluation
from seatrial.control.policies.waivers import services as waivers
from seatrial.control.policies.weighing import behind_glass
from seatrial.control.triggers.verdict import verdict
from seatrial.wire.states import EvaluationState
from tests import factories as make
from tests.policies.test_waivers import Shop, finish, reports, said

FAILED, PASSED, ERRORED = EvaluationState.FAILED, EvaluationState.PASSED, EvaluationState.ERRORED


@pytest.mark.parametrize(
    ("state", "broken", "shown"),
    [
        (FAILED, True, (PASSED, FAILED)),
        (ERRORED, True, (PASSED, ERRORED)),
        (FAILED, False, (FAILED, "")),
        (PASSED, True, (PASSED, "")),
        (EvaluationState.RUNNING, True, (EvaluationState.RUNNING, "")),
    ],
)
def test_only_a_verdict_against_the_commit_passes_behind_glass(
    state: EvaluationState, broken: bool, shown: tuple[EvaluationState, str]
) -> None:
    assert behind_glass(state, broken=broken) == shown


class Burning(Shop):
    """The verdict on the pull request is that it failed."""

    def smash(self, of: Evaluation | None = None, **fields: Any) -> BrokenGlass:
        asked = {"reason": "the shop\nis down", "by": Actor.person("olga"), "person": self.owner, **fields}
        return glass.break_glass(of or self.evaluation, **asked)

    def now(self, of: Evaluation | None = None) -> tuple[str, str, bool]:
        row = of or self.evaluation
        row.refresh_from_db()
        return row.state, row.beneath, row.glass is not None


@pytest.fixture
def shop(db: None) -> Burning:
    return Burning()


@pytest.mark.postgres
def test_the_commit_passes_and_everybody_is_told_who_let_it(shop: Burning) -> None:
    broken = shop.smash(hours=2)
    assert shop.now() == ("passed", "failed", True) and reports() == [shop.evaluation.commit]
    why = why_it_passes(shop.evaluation)
    assert why == (
        f"glass broken by olga until {broken.expires_at:%Y-%m-%d %H:%M} UTC: the shop is down. Without it: failed"
    )
    assert "glass broken by olga" in "\n".join(verdict(shop.evaluation)) and not broken.own
    page = signed_in(shop.dana).get(f"/evaluations/{shop.evaluation.pk}").content.decode()
    assert "Glass is broken" in page and "the shop is down" in page and "Mend it now" not in page
    entry = AuditEntry.objects.get(action="glass.break")
    assert (entry.actor, entry.details["reason"], entry.details["commit"]) == (
        "olga",
        "the shop is down",
        shop.evaluation.commit,
    )


@pytest.mark.postgres
def test_it_fails_again_when_the_time_is_over(shop: Burning) -> None:
    shop.smash()
    reports()
    assert glass.mend_due() == 0
    BrokenGlass.objects.update(expires_at=timezone.now())
    assert glass.mend_due() == 1 and glass.mend_due() == 0
    assert shop.now() == ("failed", "", False) and reports() == [shop.evaluation.commit]
    assert AuditEntry.objects.get(action="glass.mend").actor == "system"
    page = signed_in(shop.dana).get(f"/evaluations/{shop.evaluation.pk}").content.decode()
    assert "Glass was broken from" in page and "Glass is broken" not in page


@pytest.mark.postgres
def test_what_is_evaluated_of_the_commit_meanwhile_passes_and_another_commit_does_not(shop: Burning) -> None:
    shop.smash()
    again = services.rerun(shop.pull, by=Actor.person("dana"))
    assert again is not None
    finish(again, said(shop.readme, "passed", 80), said(shop.secrets, "failed", 10))
    assert shop.now(again) == ("passed", "failed", True)
    waiver = shop.approved()
    assert shop.now(again) == ("passed", "", False), "what is waived needs no glass"
    waivers.withdraw(waiver, by=Actor.person("olga"))
    assert shop.now(again) == ("passed", "failed", True)
    shop.pull.head_sha = make.sha()
    shop.pull.save()
    assert shop.now(shop.judged(shop.pull)) == ("failed", "", False)


@pytest.mark.postgres
def test_what_no_agent_could_run_passes_too_and_is_errored_again(shop: Burning) -> None:
    again = services.rerun(shop.pull, by=Actor.person("dana"))
    assert again is not None
    services.give_up(again.pk, "no agent took it")
    broken = shop.smash(again)
    assert shop.now(again) == ("passed", "errored", True)
    assert glass.mend(broken, by=Actor.person("olga")) and shop.now(again) == ("errored", "", False)


@pytest.mark.postgres
def test_it_is_said_when_somebody_broke_it_for_themselves(shop: Burning) -> None:
    shop.pull.author = "OLGA"
    shop.pull.save()
    assert shop.smash(Evaluation.objects.get()).own
    assert "for a pull request of their own" in why_it_passes(Evaluation.objects.get())


@pytest.mark.postgres
def test_glass_is_broken_with_a_reason_for_a_day_at_most_and_where_something_is_wrong(shop: Burning) -> None:
    for fields in ({"reason": " "}, {"reason": "x" * 1001}, {"hours": 25}, {"hours": 0}):
        with pytest.raises(BadGlass):
            shop.smash(**fields)
    shop.smash()
    with pytest.raises(GlassIsBroken, match="olga"):
        shop.smash()
    glass.mend(BrokenGlass.objects.get(), by=Actor.person("olga"))
    Evaluation.objects.update(state="passed")
    with pytest.raises(NothingToBreak):
        shop.smash()


@pytest.mark.postgres
def test_admins_break_and_mend_glass_and_nobody_else(shop: Burning) -> None:
    make.workspace("elsewhere", owner=shop.stranger)
    page = f"/evaluations/{shop.evaluation.pk}"
    body = {"reason": "the shop is down", "hours": 1}
    for who, refused in ((shop.dana, 403), (shop.stranger, 404)):
        client = signed_in(who)
        assert client.get(f"{page}/break-glass").status_code == refused
        assert client.post(f"{page}/break-glass", body).status_code == refused
        assert client.post(f"{page}/mend-glass").status_code == refused
        for what in ("break-glass", "mend-glass"):
            assert client.post(f"/api/v1{page}/{what}", body, "application/json").status_code == refused
    assert shop.now() == ("failed", "", False)
    client = signed_in(shop.owner)
    assert "Break glass" in client.get(page).content.decode()
    assert client.post(f"{page}/break-glass", {**body, "hours": 25}).status_code == 200
    assert client.post(f"{page}/break-glass", body).status_code == 302
    assert "Mend it now" in client.get(page).content.decode()
    assert client.post(f"{page}/mend-glass").status_code == 302
    answer = client.post(f"/api/v1{page}/break-glass", body, "application/json").json()
    assert answer["state"] == "passed" and "the shop is down" in answer["glass"]
    answer = client.post(f"/api/v1{page}/mend-glass", {}, "application/json").json()
    assert (answer["state"], answer["glass"]) == ("failed", "")


def signed_in(who: Any) -> Client:
    client = Client()
    client.force_login(who)
    return client
