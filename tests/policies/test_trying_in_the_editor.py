"""The editor runs its text, saved or not, and shows what came of it in place."""

import pytest
from django.test import Client

from seatrial.control.policies.models import PolicyVersion, Trial
from seatrial.control.projects.models import Project
from tests import factories as make
from tests.policies.test_waivers import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
HERE = {"HX-Request": "true"}
CODE = """PARAMS = {"most": 5}
TESTS = [{"name": "a", "input": {}, "expected": {"passed": True}}]


def evaluate(project, params):
    return {"passed": params["most"] > 1}
"""


@pytest.fixture
def shop() -> Shop:
    return Shop()


def client(shop: Shop, who: str = "owner") -> Client:
    made = Client()
    made.force_login(getattr(shop, who))
    return made


def test_the_editor_offers_it_and_the_answer_follows_the_trial_in_place(shop: Shop) -> None:
    them, policy = client(shop), shop.readme.policy
    page = them.get("/policies/shop/has-readme/edit").content.decode()
    assert f'hx-post="/trials/of/{policy.pk}/test"' in page and 'id="tried"' in page
    versions = PolicyVersion.objects.count()
    answer = them.post(f"/trials/of/{policy.pk}/test", {"code": CODE}, headers=HERE)
    trial = Trial.objects.latest("id")
    assert answer.status_code == 200 and f"/trials/{trial.pk}/outcome" in answer.content.decode()
    assert "<h1" not in answer.content.decode(), "it is part of a page"
    assert PolicyVersion.objects.count() == versions and trial.version is None
    tried = {"code": CODE, "project": shop.project.pk, "commit": ""}
    answer = them.post(f"/trials/of/{policy.pk}/try", tried, headers=HERE)
    trial = Trial.objects.latest("id")
    assert "No result yet" in answer.content.decode() and trial.commit == shop.pull.head_sha
    assert them.post(f"/trials/of/{policy.pk}/test", {"code": CODE}).status_code == 302, "without scripts"


def test_it_runs_with_the_parameters_that_people_set(shop: Shop) -> None:
    policy = shop.readme.policy
    PolicyVersion.objects.filter(policy=policy).update(code=CODE, params={"most": 9})
    client(shop).post(f"/trials/of/{policy.pk}/test", {"code": CODE}, headers=HERE)
    assert Trial.objects.latest("id").tried[0]["params"] == {"most": 9}


@pytest.mark.parametrize(
    ("code", "why"),
    [("def evaluate(:", "line 1"), ("def evaluate(project): pass", "no tests"), ("TESTS = 3", "TESTS")],
)
def test_what_cannot_run_is_said_in_place(shop: Shop, code: str, why: str) -> None:
    address = f"/trials/of/{shop.readme.policy.pk}/test"
    answer = client(shop).post(address, {"code": code}, headers=HERE)
    assert answer.status_code == 200 and why in answer.content.decode()
    assert not Trial.objects.exists()


def test_who_may_not_try_cannot(shop: Shop) -> None:
    shop.workspace.memberships.filter(user=shop.dana).update(role="viewer")
    address = f"/trials/of/{shop.readme.policy.pk}/test"
    assert client(shop, "dana").post(address, {"code": CODE}, headers=HERE).status_code == 403
    assert client(shop, "stranger").post(address, {"code": CODE}, headers=HERE).status_code == 404
    elsewhere: Project = make.project(make.workspace("other"), "theirs")
    tried = {"code": CODE, "project": elsewhere.pk}
    answer = client(shop).post(f"/trials/of/{shop.readme.policy.pk}/try", tried, headers=HERE)
    assert "Choose a project" in answer.content.decode() and not Trial.objects.exists()


def test_a_policy_that_was_never_saved_is_tried_and_tested_and_not_saved(shop: Shop) -> None:
    them = client(shop)
    page = them.get("/policies/new").content.decode()
    assert 'hx-post="/trials/unsaved/test"' in page and shop.project.name in page
    policies = PolicyVersion.objects.count()
    text = {"code": CODE, "workspace": "shop", "slug": "brand-new"}
    answer = them.post("/trials/unsaved/test", text, headers=HERE).content.decode()
    trial = Trial.objects.latest("id")
    assert f"/trials/{trial.pk}/outcome" in answer and trial.tried[0]["slug"] == "brand-new"
    tried = {**text, "slug": "No slug!", "project": shop.project.pk, "commit": ""}
    them.post("/trials/unsaved/try", tried, headers=HERE)
    trial = Trial.objects.latest("id")
    assert (trial.commit, trial.tried[0]["slug"], trial.policy) == (shop.pull.head_sha, "new-policy", None)
    assert PolicyVersion.objects.count() == policies
    for wrong, why in (("", "no code yet"), ("def evaluate(:", "line 1")):
        answer = them.post("/trials/unsaved/try", {**tried, "code": wrong}, headers=HERE)
        assert why in answer.content.decode()


def test_who_may_not_try_cannot_try_what_was_never_saved(shop: Shop) -> None:
    shop.workspace.memberships.filter(user=shop.dana).update(role="viewer")
    text = {"code": CODE, "workspace": "shop", "project": shop.project.pk}
    assert client(shop, "dana").post("/trials/unsaved/test", text, headers=HERE).status_code == 403
    assert client(shop, "stranger").post("/trials/unsaved/test", text, headers=HERE).status_code == 404
    for who in ("dana", "stranger"):
        answer = client(shop, who).post("/trials/unsaved/try", text, headers=HERE)
        assert "Choose a project" in answer.content.decode()
    assert not Trial.objects.exists()
