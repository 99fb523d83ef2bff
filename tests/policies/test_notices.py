"""Addresses elsewhere are told, signed and once; what fails is tried again; nobody is led into our own network."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import results as reported
from seatrial.control.policies.notices import delivering
from seatrial.control.policies.notices.addresses import CLOSED, host_of
from seatrial.control.policies.notices.delivering import NotDelivered, deliver
from seatrial.control.policies.notices.models import Notice, Subscription
from seatrial.control.policies.notices.retention import prune
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.policies.scores.taking import take
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.errands import notices
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from seatrial.wire.states import EvaluationState, ResultState
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
URL = "https://hooks.example.com/in?token=hidden"


class Elsewhere:
    """An address that answers what the test says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: int | Exception = 200
        self.got: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(self.answer, headers={"Location": "https://elsewhere.example.com/"})


class Shop:
    """A workspace that tells one address of everything, and an evaluation that is about to end."""

    def __init__(self) -> None:
        self.people = {role: make.user(role) for role in ("admin", "developer", "viewer", "stranger")}
        roles = {role: self.people[role] for role in ("admin", "developer", "viewer")}
        self.space = make.workspace("shop", **roles)
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(self.space, "shop")
        self.policy = make.policy(self.space, "Has readme")
        self.evaluation = make.evaluation(make.pull_request(self.project), state="running")
        self.evaluation.versions.add(self.policy)

    def finish(self) -> None:
        said = PolicyResult(version_id=self.policy.pk, slug="has-readme", state=ResultState.FAILED, score=40)
        done = EvaluationFinished(evaluation=self.evaluation.pk, state=EvaluationState.FAILED, results=[said])
        reported.finished("agent", done)

    def subscribed(self, **fields: Any) -> Subscription:
        answer = self.ask(
            "admin", "POST", "/api/v1/workspaces/shop/subscriptions", **{"url": URL, "kinds": BOTH, **fields}
        )
        assert answer.status_code == 200, answer.content
        return Subscription.objects.get(pk=answer.json()["id"])

    def ask(self, who: str, method: str, address: str, /, **body: Any) -> Any:
        client = Client()
        client.force_login(self.people[who])
        return client.generic(method, address, json.dumps(body), "application/json")


BOTH = ["evaluation_finished", "score_fell"]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    there = Elsewhere()
    real = delivering.client
    monkeypatch.setattr(
        delivering,
        "client",
        lambda *given, **options: real(*given, transport=httpx.MockTransport(there), **options),
    )
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.216.34", 0))])
    return there


def work(times: int = 1) -> None:
    """What the lane does, as soon as it is due."""
    lane = Aside(None, None, notices())  # type: ignore[arg-type]
    for _ in range(times):
        OutboxMessage.objects.filter(subject=Instruction.NOTICE, published_at=None).update(
            due_at=timezone.now() - timedelta(seconds=1)
        )
        outbox.relay_aside(Instruction.NOTICE, lane._send)


def test_the_end_of_an_evaluation_is_told_once_and_signed(shop: Shop, elsewhere: Elsewhere) -> None:
    row = shop.subscribed()
    shop.finish()
    work(3)
    (request,) = elsewhere.got
    body = json.loads(request.content)
    assert body["type"] == "evaluation_finished" and body["project"]["name"] == "shop"
    said = body["evaluation"]
    assert (said["id"], said["state"], said["score"]) == (shop.evaluation.pk, "failed", 40)
    identity, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = base64.b64decode(row.secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{identity}.{at}.".encode() + request.content, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"
    notice = Notice.objects.get()
    assert (notice.pk, notice.over, notice.status, notice.attempts, notice.problem) == (
        identity,
        True,
        200,
        1,
        "",
    )


def test_a_score_that_fell_is_told(shop: Shop, elsewhere: Elsewhere) -> None:
    shop.subscribed(kinds=["score_fell"])
    yesterday = timezone.now() - timedelta(days=1)
    DailyScore.objects.create(project=shop.project, day=yesterday.date(), score=90, taken_at=yesterday)
    shop.finish()
    take(shop.project.pk)
    take(shop.project.pk)
    work(2)
    (request,) = elsewhere.got
    assert json.loads(request.content)["score"] == {"before": 90, "now": 40}


@pytest.mark.parametrize(
    ("answer", "why"),
    [(500, "It answered 500."), (302, "It answered 302."), (httpx.ConnectTimeout("to hidden"), "It cannot be reached (ConnectTimeout).")],
)  # fmt: skip
def test_what_fails_is_tried_again_and_then_given_up(
    shop: Shop, elsewhere: Elsewhere, answer: Any, why: str
) -> None:
    shop.subscribed()
    shop.finish()
    elsewhere.answer = answer
    work(2)
    notice = Notice.objects.get()
    assert (notice.attempts, notice.problem, notice.over) == (2, why, False) and len(elsewhere.got) == 2
    OutboxMessage.objects.filter(subject="notice").update(created_at=timezone.now() - timedelta(days=2))
    work()
    notice.refresh_from_db()
    assert notice.over and notice.problem == why
    elsewhere.answer = 204
    again = f"/api/v1/subscriptions/{notice.subscription_id}/notices/{notice.pk}/again"
    assert shop.ask("admin", "POST", again).json()["over"] is False
    work()
    notice.refresh_from_db()
    assert notice.over and notice.problem == "" and notice.status == 204
    assert elsewhere.got[-1].headers["webhook-id"] == elsewhere.got[0].headers["webhook-id"]


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.7", "127.0.0.1", "fd00:ec2::254", "::1"])
def test_a_name_that_leads_into_our_network_is_not_followed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    row = shop.subscribed()
    shop.finish()
    family = 10 if ":" in address else 2
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(family, 1, 6, "", (address, 0))])
    with pytest.raises(NotDelivered, match="hooks"):
        deliver({"notice": Notice.objects.get().pk})
    assert row.url == URL


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "https://", "ftp://a.example", "https://u:p@a.example/", "https://a.example/#x", "x", "https://a.example:99999/", "https://a b/", "https://a.example/" + "x" * 500, "https://[/", "https://localhost/", "https://127.0.0.1/", "https://[::1]:1/"],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused(shop: Shop, url: str) -> None:
    refused = shop.ask("admin", "POST", "/api/v1/workspaces/shop/subscriptions", url=url, kinds=BOTH)
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "bad_subscription"
    assert not Subscription.objects.exists()


def test_kinds_that_there_are_not_and_addresses_that_there_are_already_are_refused(shop: Shop) -> None:
    address = "/api/v1/workspaces/shop/subscriptions"
    for kinds in ([], ["everything"]):
        assert shop.ask("admin", "POST", address, url=URL, kinds=kinds).status_code == 400
    shop.subscribed()
    assert shop.ask("admin", "POST", address, url=URL, kinds=BOTH).status_code == 400


def test_what_was_removed_is_told_nothing_more(shop: Shop, elsewhere: Elsewhere) -> None:
    row = shop.subscribed()
    shop.finish()
    assert shop.ask("admin", "DELETE", f"/api/v1/subscriptions/{row.pk}").status_code == 204
    work()
    assert elsewhere.got == []
    actions = AuditEntry.objects.filter(action__startswith="subscription").order_by("pk")
    assert [one.action for one in actions] == ["subscription.create", "subscription.remove"]
    assert "hidden" not in str([one.details for one in actions])


def test_only_admins_see_addresses_and_send_again(shop: Shop) -> None:
    row = shop.subscribed()
    shop.finish()
    notice = Notice.objects.get()
    rest = f"/api/v1/subscriptions/{row.pk}"
    tries = [
        ("GET", "/api/v1/workspaces/shop/subscriptions"), ("POST", "/api/v1/workspaces/shop/subscriptions"), ("DELETE", rest),
        ("GET", f"{rest}/notices"), ("POST", f"{rest}/notices/{notice.pk}/again"), ("POST", f"/policies/notices/{row.pk}/remove"),
        ("POST", f"/policies/notices/{row.pk}/again/{notice.pk}"), ("POST", f"{rest}/try"), ("POST", f"/policies/notices/{row.pk}/try"), ("POST", f"/policies/notices/{shop.space.pk}/subscribe"),
    ]  # fmt: skip
    for who in ("developer", "viewer", "stranger"):
        for method, address in tries:
            answer = shop.ask(who, method, address, url="https://b.example/", kinds=BOTH)
            assert answer.status_code in (403, 404), (who, method, address)
    assert Subscription.objects.count() == 1 and row.secret not in str(Subscription.objects.values().get())
    given = shop.ask("admin", "GET", "/api/v1/workspaces/shop/subscriptions").json()
    assert [(one["url"], one["secret"]) for one in given] == [(URL, "")]
    assert shop.ask("viewer", "GET", "/policies/notices").status_code == 403
    page = shop.ask("admin", "GET", "/policies/notices").content.decode()
    assert "hooks.example.com" in page and row.secret not in page


def test_the_page_shows_a_secret_once_and_says_what_is_wrong(shop: Shop) -> None:
    client = Client()
    client.force_login(shop.people["admin"])
    address = f"/policies/notices/{shop.space.pk}/subscribe"
    refused = client.post(address, {"url": "http://a.example/", "kinds": BOTH})
    assert refused.status_code == 400 and "begins with https://" in refused.content.decode()
    made = client.post(address, {"url": URL, "kinds": BOTH})
    assert Subscription.objects.get().secret in made.content.decode() and made["Cache-Control"] == "no-store"
    assert "whsec_" not in client.get("/policies/notices").content.decode()


def test_an_address_is_tried_with_a_notice_that_says_so(shop: Shop, elsewhere: Elsewhere) -> None:
    row = shop.subscribed()
    sent = shop.ask("admin", "POST", f"/api/v1/subscriptions/{row.pk}/try").json()
    assert (sent["kind"], sent["over"]) == ("test", False)
    work()
    (request,) = elsewhere.got
    assert json.loads(request.content)["workspace"] == {"slug": "shop", "name": "shop"}
    (listed,) = shop.ask("admin", "GET", f"/api/v1/subscriptions/{row.pk}/notices").json()
    assert (listed["id"], listed["over"], listed["status"]) == (sent["id"], True, 200)
    refused = shop.ask(
        "admin", "POST", "/api/v1/workspaces/shop/subscriptions", url=URL + "x", kinds=["test"]
    )
    assert refused.status_code == 400
    assert AuditEntry.objects.filter(action="subscription.try").count() == 1


def test_old_notices_are_deleted(shop: Shop) -> None:
    shop.subscribed()
    shop.finish()
    assert prune(timezone.now()) == 0
    assert prune(timezone.now() + timedelta(days=31)) == 1
    assert host_of(URL) == "hooks.example.com"


def test_without_internet_nobody_is_told_and_the_page_says_so(
    shop: Shop, elsewhere: Elsewhere, settings: Any
) -> None:
    row = shop.subscribed()
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"airgapped": True})
    shop.finish()
    work()
    assert elsewhere.got == []
    assert Notice.objects.get(subscription=row).problem == CLOSED
    asked = {"url": "https://chat.example.com/", "kinds": BOTH}
    answer = shop.ask("admin", "POST", "/api/v1/workspaces/shop/subscriptions", **asked)
    assert answer.status_code == 400 and CLOSED in answer.json()["error"]["message"]
    page = shop.ask("admin", "GET", "/policies/notices").content.decode()
    assert CLOSED in page and "Tell it</button>" not in page and "Remove" in page
