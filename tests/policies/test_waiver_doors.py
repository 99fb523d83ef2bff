"""Pages and REST of waivers: who may see, ask, decide and withdraw."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from seatrial.control.policies.models import Evaluation, Waiver
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
FOUND = [{"path": "vendor/key.pem", "line": 1, "fingerprint": "f1"}, {"path": "b\x1b.pem", "line": 1}]


class Doors:
    """One failure, the roles of its workspace, and a stranger who owns another one."""

    def __init__(self) -> None:
        roles = {role: make.user(role) for role in ("owner", "admin", "developer", "viewer")}
        self.people = {
            **roles,
            "stranger": make.user("stranger"),
            "root": make.user("root", is_superuser=True),
        }
        self.workspace = make.workspace("harbour", **roles)
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(self.workspace, "shop")
        self.version = make.policy(self.workspace, "No secrets")
        self.evaluation = make.evaluation(make.pull_request(self.project), state="failed")
        make.result(
            self.evaluation, self.version, state="failed", score=10, findings=FOUND, message="Found a key."
        )
        self.asking = f"/evaluations/{self.evaluation.pk}/waive/no-secrets"

    def client(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client

    def page(self, who: str, path: str) -> tuple[int, str]:
        answer = self.client(who).get(path)
        return answer.status_code, answer.content.decode()

    def send(self, who: str, path: str, **body: Any) -> HttpResponse:
        return self.client(who).post(path, body, follow=True)

    def rest(self, who: str, method: str, address: str, /, **body: Any) -> tuple[int, Any]:
        answer = self.client(who).generic(method, f"/api/v1{address}", json.dumps(body), "application/json")
        return answer.status_code, answer.json()

    def waiver(self, by: str = "developer", **fields: Any) -> Waiver:
        person = self.people[by]
        return make.waiver(self.project, self.version, requested_by=by, requester=person, **fields)

    def state(self) -> str:
        self.evaluation.refresh_from_db()
        return self.evaluation.state


@pytest.fixture
def doors() -> Doors:
    return Doors()


def test_a_failed_result_offers_a_waiver_to_those_who_may_ask(doors: Doors) -> None:
    page = f"/evaluations/{doors.evaluation.pk}"
    assert f'href="{doors.asking}"' in doors.page("developer", page)[1]
    assert doors.asking not in doors.page("viewer", page)[1]
    doors.waiver()
    assert "asked for a waiver" in doors.page("viewer", page)[1]


def test_somebody_asks_on_the_page_and_somebody_else_approves(doors: Doors) -> None:
    form = doors.page("developer", doors.asking)[1]
    assert '<option value="2" selected>' in doors.page("developer", f"{doors.asking}?fingerprint=f1")[1]
    assert (
        ">The whole policy<" in form
        and ">vendor/key.pem<" in form
        and ">Only vendor/key.pem:1: " in form
        and "\x1b" not in form
    )
    assert "Found a key." in form and "version 1" in form
    asked = doors.send("developer", doors.asking, covers="0", days="14", reason="a key for tests")
    waiver = Waiver.objects.get()
    assert asked.redirect_chain[-1][0] == f"/evaluations/{doors.evaluation.pk}"
    assert "It waives nothing until somebody approves it" in asked.content.decode()
    assert "You asked for it, so somebody else decides" in doors.page("developer", f"/waivers/{waiver.pk}")[1]
    assert doors.state() == "failed"
    page = doors.page("owner", f"/waivers/{waiver.pk}")[1]
    assert "a key for tests" in page and f"/waivers/{waiver.pk}/approve" in page
    assert "Found a key." in page and "Not all of it is covered" not in page
    done = doors.send("owner", f"/waivers/{waiver.pk}/approve", note="until Friday").content.decode()
    assert "until Friday" in done and f"/evaluations/{doors.evaluation.pk}" in done
    assert doors.state() == "passed"
    shown = doors.page("viewer", f"/evaluations/{doors.evaluation.pk}")[1]
    assert "0 of 1 policy passed, 1 waived" in shown
    assert f">Waived</a> by owner until {waiver.expires_at:%Y-%m-%d}: a key for tests" in shown
    doors.send("developer", f"/waivers/{waiver.pk}/withdraw")
    assert doors.state() == "failed"


def test_what_somebody_entered_stays_when_something_is_wrong(doors: Doors) -> None:
    page = doors.client("developer").post(doors.asking, {"covers": "1", "days": "91", "reason": "my words"})
    text = page.content.decode()
    assert page.status_code == 200 and "my words" in text and "less than or equal to 90" in text
    doors.waiver(path="vendor/key.pem")
    page = doors.client("developer").post(doors.asking, {"covers": "1", "days": "9", "reason": "my words"})
    assert "has asked for it already" in page.content.decode() and Waiver.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("stranger", 404), ("developer", 200), ("admin", 200), ("root", 200)]
)
def test_asking_takes_a_developer(doors: Doors, who: str, status: int) -> None:
    assert doors.page(who, doors.asking)[0] == status
    sent = doors.client(who).post(doors.asking, {"covers": "0", "days": "1", "reason": "x"})
    assert sent.status_code == (302 if status == 200 else status)
    path = f"/projects/{doors.project.pk}/waivers"
    assert doors.rest(who, "POST", path, policy="no-secrets", reason="x", path="a")[0] == status
    assert Waiver.objects.count() == (2 if status == 200 else 0)


@pytest.mark.parametrize("what", ["approve", "reject"])
@pytest.mark.parametrize(
    ("who", "status"),
    [("viewer", 403), ("developer", 403), ("stranger", 404), ("owner", 200), ("admin", 200), ("root", 200)],
)
def test_deciding_takes_an_admin(doors: Doors, what: str, who: str, status: int) -> None:
    by_page, by_rest = doors.waiver(), doors.waiver(path="a")
    assert doors.client(who).post(f"/waivers/{by_page.pk}/{what}").status_code == (
        302 if status == 200 else status
    )
    assert doors.rest(who, "POST", f"/waivers/{by_rest.pk}/{what}")[0] == status
    for row in (by_page, by_rest):
        row.refresh_from_db()
        assert row.state == (
            {"approve": "approved", "reject": "rejected"}[what] if status == 200 else "requested"
        )
    assert doors.state() == ("passed" if (what, status) == ("approve", 200) else "failed")


@pytest.mark.parametrize("who", ["owner", "root"])
def test_not_even_an_owner_approves_their_own(doors: Doors, who: str) -> None:
    row = doors.waiver(who)
    assert f"/waivers/{row.pk}/approve" not in doors.page(who, f"/waivers/{row.pk}")[1]
    assert "You asked for this waiver" in doors.send(who, f"/waivers/{row.pk}/approve").content.decode()
    status, answer = doors.rest(who, "POST", f"/waivers/{row.pk}/approve")
    assert (status, answer["error"]["code"]) == (403, "own_request") and doors.state() == "failed"


@pytest.mark.parametrize(
    ("who", "status"), [("developer", 200), ("admin", 200), ("viewer", 403), ("stranger", 404)]
)
def test_whoever_asked_and_whoever_decides_may_withdraw(doors: Doors, who: str, status: int) -> None:
    by_page, by_rest = doors.waiver(), doors.waiver(path="a")
    assert doors.client(who).post(f"/waivers/{by_page.pk}/withdraw").status_code == (
        302 if status == 200 else status
    )
    assert doors.rest(who, "POST", f"/waivers/{by_rest.pk}/withdraw", note="over")[0] == status
    assert Waiver.objects.filter(state="withdrawn").count() == (2 if status == 200 else 0)


def test_another_developer_may_not_withdraw_it(doors: Doors) -> None:
    row = doors.waiver("admin")
    assert doors.rest("developer", "POST", f"/waivers/{row.pk}/withdraw")[0] == 403
    assert f"/waivers/{row.pk}/withdraw" not in doors.page("developer", f"/waivers/{row.pk}")[1]


def test_members_see_waivers_and_strangers_do_not(doors: Doors) -> None:
    row = doors.waiver()
    assert doors.page("viewer", f"/waivers/{row.pk}")[0] == 200
    assert f"/waivers/{row.pk}" in doors.page("viewer", "/waivers")[1]
    assert doors.page("stranger", f"/waivers/{row.pk}")[0] == 404
    assert row.pk not in doors.page("stranger", "/waivers")[1]
    assert doors.rest("stranger", "GET", "/waivers") == (200, [])
    assert doors.rest("stranger", "GET", f"/waivers/{row.pk}")[0] == 404


def test_the_inbox_is_what_waits_and_teaches_when_it_is_empty(doors: Doors) -> None:
    assert "Nobody has asked for a waiver" in doors.page("owner", "/waivers")[1]
    old = doors.waiver(state="rejected", reason="an old story")
    assert "Nothing waits for a decision" in doors.page("owner", "/waivers")[1]
    new = doors.waiver(path="vendor")
    inbox = doors.page("owner", "/waivers")[1]
    assert f"/waivers/{new.pk}" in inbox and old.pk not in inbox
    for query, found in {"state=any": {old.pk, new.pk}, "state=rejected": {old.pk}, "search=vendor": {new.pk},
                         "state=any&search=STORY": {old.pk}, "state=nonsense": set()}.items():  # fmt: skip
        page = doors.page("owner", f"/waivers?{query}")[1]
        assert {pk for pk in (old.pk, new.pk) if pk in page} == found, query
    assert "Nothing matches" in doors.page("owner", "/waivers?search=nothing")[1]


def test_whoever_decides_sees_what_fails_and_what_of_it_is_covered(doors: Doors) -> None:
    assert "Not all of it is covered" in doors.page("owner", f"/waivers/{doors.waiver(path='vendor').pk}")[1]
    old = make.result(
        make.evaluation(make.pull_request(doors.project, state="closed"), state="failed"), doors.version,
        state="failed", message="Found long ago.",
    )  # fmt: skip
    page = doors.page("owner", f"/waivers/{doors.waiver().pk}")[1]
    assert "Found a key." in page and old.message not in page
    rejected = doors.page("owner", f"/waivers/{doors.waiver(state='rejected').pk}")[1]
    assert "Found a key." not in rejected and "/approve" not in rejected


def test_a_policy_that_did_not_fail_has_no_form(doors: Doors) -> None:
    Evaluation.objects.get().results.update(state="passed")
    said = doors.client("developer").get(doors.asking, follow=True)
    assert "no-secrets is passed" in said.content.decode()
    assert said.redirect_chain[-1][0] == f"/evaluations/{doors.evaluation.pk}"
    assert "There is no policy nothing" in doors.client("developer").get(
        doors.asking.replace("no-secrets", "nothing"), follow=True
    ).content.decode()  # fmt: skip


def test_rest_has_all_of_a_waiver(doors: Doors) -> None:
    asked = {"policy": "no-secrets", "reason": "a key", "path": "./vendor/", "days": 7}
    status, made = doors.rest("developer", "POST", f"/projects/{doors.project.pk}/waivers", **asked)
    assert status == 200 and (made["path"], made["state"], made["version"]) == ("vendor", "requested", 1)
    assert doors.rest("viewer", "GET", f"/waivers/{made['id']}") == (200, made)
    for query, count in {
        "": 1,
        "?state=approved": 0,
        "?project=shop&policy=no-secrets": 1,
        "?project=x": 0,
    }.items():
        assert len(doors.rest("viewer", "GET", f"/waivers{query}")[1]) == count, query
    Evaluation.objects.get().results.update(findings=[{"path": "vendor/a"}])
    doors.rest("admin", "POST", f"/waivers/{made['id']}/approve", note="fine")
    (result,) = doors.rest("viewer", "GET", f"/evaluations/{doors.evaluation.pk}")[1]["results"]
    assert (result["state"], result["waivers"]) == ("waived", [made["id"]])
    assert result["waived"] == f"waived by admin until {made['expires_at'][:10]}: a key"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"policy": "nothing"}, 404, "no_such_policy"),
        ({"path": "../x"}, 400, "bad_waiver"),
        ({"path": "a", "fingerprint": "f"}, 400, "bad_waiver"),
        ({"reason": " "}, 400, "bad_waiver"),
        ({"days": 0}, 422, "invalid"),
        ({"days": 91}, 422, "invalid"),
        ({"reason": "x" * 1001}, 422, "invalid"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(
    doors: Doors, asked: dict[str, Any], status: int, code: str
) -> None:
    body = {"policy": "no-secrets", "reason": "x", **asked}
    got, answer = doors.rest("owner", "POST", f"/projects/{doors.project.pk}/waivers", **body)
    assert (got, answer["error"]["code"]) == (status, code)


def test_a_decision_is_made_once(doors: Doors) -> None:
    row = doors.waiver()
    assert doors.rest("owner", "POST", f"/waivers/{row.pk}/reject")[0] == 200
    status, answer = doors.rest("owner", "POST", f"/waivers/{row.pk}/approve")
    assert (status, answer["error"]["code"]) == (409, "waiver_state") and "It is rejected" in answer["error"][
        "message"
    ]
