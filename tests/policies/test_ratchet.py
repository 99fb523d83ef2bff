"""With its ratchet on, what a policy found before fails nothing, and what is mended does not come back."""

from typing import Any

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.policies.errors import NoRatchet
from seatrial.control.policies.models import Baseline, Evaluation
from seatrial.control.policies.rollout.ratchet import known_of, put_on, shrunk, take_off
from seatrial.wire.evaluations import Finding
from tests import factories as make
from tests.policies.test_waivers import Shop, finish, said


def test_a_baseline_gets_smaller_and_never_larger() -> None:
    assert shrunk(["a", "b"], ["b", "c"]) == ["b"]
    assert known_of(["a", "", "c", "a"], ["a", ""]) == ["a", "a"]


class Ratcheted(Shop):
    """On the default branch, no secrets found a and b."""

    by = Actor.person("olga")

    def __init__(self) -> None:
        super().__init__()
        self.on_main("a", "b")

    def on_main(self, *found: str, **fields: Any) -> Evaluation:
        made = Evaluation.objects.create(
            project=self.project, commit=make.sha(), ref="refs/heads/main", event="push", state="running"
        )
        return self.judge(made, *found, **fields)

    def on_pull(self, *found: str, **fields: Any) -> Evaluation:
        return self.judge(make.evaluation(self.pull, state="running", commit=make.sha()), *found, **fields)

    def judge(self, made: Evaluation, *found: str, **fields: Any) -> Evaluation:
        made.versions.set([self.secrets])
        findings = [Finding(path=f"{one}.pem", line=1, message=one, fingerprint=one) for one in found]
        state = "failed" if found or fields else "passed"
        finish(made, said(self.secrets, state, 10, findings=findings, **fields))
        return made

    def known(self) -> list[str]:
        found: list[str] = Baseline.objects.get().fingerprints
        return found


@pytest.fixture
def shop(db: None) -> Ratcheted:
    return Ratcheted()


@pytest.mark.postgres
def test_what_is_known_fails_nothing_and_what_is_new_does(shop: Ratcheted) -> None:
    assert put_on(shop.secrets.policy, by=shop.by) == 1 and shop.known() == ["a", "b"]
    old = shop.on_pull("b", "a")
    result = old.results.get()
    assert (old.state, old.remarks, result.state, result.known) == ("passed", 1, "failed", ["b", "a"])
    both = shop.on_pull("a", "new")
    assert (both.state, both.results.get().known) == ("failed", ["a"])
    assert shop.on_pull("a", findings_left_out=1).state == "failed", "what is not listed may be new"
    client = Client()
    client.force_login(shop.dana)
    page = client.get(f"/evaluations/{old.pk}").content.decode()
    assert "2 findings are known" in page and "So it fails no check" in page
    assert "1 finding is known" in client.get(f"/evaluations/{both.pk}").content.decode()


@pytest.mark.postgres
def test_what_was_mended_on_the_default_branch_is_new_when_it_comes_back(shop: Ratcheted) -> None:
    put_on(shop.secrets.policy, by=shop.by)
    shop.on_pull("b", "new")
    assert shop.known() == ["a", "b"], "only the default branch says what is left"
    assert shop.on_main("b", "new").state == "failed" and shop.known() == ["b"]
    assert shop.on_pull("a").state == "failed" and shop.on_pull("b").state == "passed"
    shop.on_main()
    assert shop.known() == [] and shop.on_pull("b").state == "failed"


@pytest.mark.postgres
def test_a_policy_that_does_not_say_what_it_found_cannot_be_ratcheted(shop: Ratcheted) -> None:
    shop.on_main("a", findings_left_out=3)
    with pytest.raises(NoRatchet, match="fails in shop without listing"):
        put_on(shop.secrets.policy, by=shop.by)


@pytest.mark.postgres
def test_taken_off_everything_counts_again(shop: Ratcheted) -> None:
    put_on(shop.secrets.policy, by=shop.by)
    take_off(shop.secrets.policy, by=shop.by)
    assert shop.on_pull("a").state == "failed" and not Baseline.objects.exists()


@pytest.mark.postgres
def test_those_who_manage_policies_put_it_on(shop: Ratcheted) -> None:
    make.workspace("elsewhere", owner=shop.stranger)
    key = shop.secrets.policy_id
    for who, status in ((shop.dana, 403), (shop.stranger, 404), (shop.owner, 302)):
        client = Client()
        client.force_login(who)
        assert client.post("/policies/shop/no-secrets/ratchet", {"on": "yes"}).status_code == status
        body = {"ratchet": True}
        answer = client.patch(f"/api/v1/policies/{key}/ratchet", body, "application/json")
        assert answer.status_code == (200 if status == 302 else status)
    assert answer.json()["ratchet"] is True
    assert "2 known findings left" in client.get("/policies/shop/no-secrets/rollout").content.decode()
