"""The webhook addresses of the systems that people come from, which name no connection."""

import json

import pytest
from django.http import HttpResponse
from django.test import Client

from seatrial.control.forges import intake, shared_door
from seatrial.control.forges.body_bound import body_bound
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.conftest import payload

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
OPENED = payload("pull_request.opened")
REPOSITORY = str(json.loads(OPENED)["repository"]["id"])
PATHS = [
    "/api/v1/webhooks/github",
    "/api/v1/webhooks/github/",
    "/api/webhooks/github",
    "/api/webhooks/github/",
]


def github(secret: str, **fields: str) -> Connection:
    return factories.connection(factories.workspace(), forge="github", webhook_secret=secret, **fields)


def send(
    path: str = PATHS[0], body: bytes = OPENED, secret: str = "one", event: str = "pull_request"
) -> HttpResponse:
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": sign(body, secret)}
    return Client().post(path, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_the_secret_finds_the_connection(path: str) -> None:
    one, two = github("one"), github("two")
    github("")
    answer = send(path, secret="two")
    assert (answer.status_code, answer.json()["result"]) == (202, "accepted")
    assert list(two.deliveries.values_list("pk", flat=True)) == [answer.json()["delivery"]]
    assert not one.deliveries.exists()
    assert send(path, secret="two").json()["result"] == "duplicate"
    assert Client(enforce_csrf_checks=True).post(path).status_code == 401, "programs have no cookie"


def test_the_repository_decides_between_connections_with_one_secret() -> None:
    first, second, third = (github("one") for _ in range(3))
    for row in (second, third):
        factories.project(row.workspace, connection=row, external_id=REPOSITORY)
    assert send().status_code == 202
    assert [row.deliveries.count() for row in (first, second, third)] == [0, 1, 1]
    assert send(event="star", body=b"{}").status_code == 202
    assert [row.deliveries.count() for row in (first, second, third)] == [1, 1, 1]
    assert send(body=b"no json").json()["result"] == "rejected (parse)"


def test_what_nobody_signed_is_refused_and_stored_nowhere() -> None:
    github("one"), github("two")
    answer = send(secret="three")
    assert (answer.status_code, answer.json()["result"]) == (401, "rejected (signature)")
    assert answer.json()["error"]["code"] == "rejected"
    unsigned = Client().post(PATHS[0], OPENED, content_type="application/json")
    assert (unsigned.status_code, unsigned.json()["result"]) == (401, "rejected (signature)")
    assert not Delivery.objects.exists()


def test_the_only_connection_shows_what_it_refuses() -> None:
    only = github("one")
    assert send(secret="three").json()["result"] == "rejected (signature)"
    assert only.deliveries.get().result == "rejected (signature)"


def test_without_any_secret_nothing_is_accepted() -> None:
    github(""), github("")
    answer = send(secret="")
    assert (answer.status_code, answer.json()["result"]) == (401, "rejected (secret unavailable)")


@pytest.mark.parametrize(("kind", "code"), [("github", "unknown_connection"), ("nothing", "unknown_forge")])
def test_nobody_is_there(kind: str, code: str) -> None:
    for path in (f"/api/v1/webhooks/{kind}", f"/api/webhooks/{kind}/"):
        answer = send(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


def test_other_methods_are_refused_in_json() -> None:
    for path in PATHS:
        answer = Client().get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_what_a_stranger_can_have_hashed_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    github("one"), github("two")
    assert shared_door.bound("github") == intake.MAX_BYTES
    monkeypatch.setattr(shared_door, "MOST_HASHED", 4 * len(OPENED))
    assert send(secret="two").status_code == 202
    assert send(body=OPENED + b" ", secret="two").status_code == 413
    monkeypatch.setattr(shared_door, "MOST_CONNECTIONS", 1)
    answer = send(secret="two")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "too_many_connections")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
async def test_the_bound_is_known_before_the_body_is_read(path: str) -> None:
    scope = {"path": path, "method": "POST"}
    with pytest.raises(ForgeError) as refused:
        await body_bound(scope)
    assert refused.value.status == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", PATHS)
def test_a_connection_may_be_sent_a_large_body_there(path: str) -> None:
    from asgiref.sync import async_to_sync

    github("one")
    assert async_to_sync(body_bound)({"path": path, "method": "POST"}) == intake.MAX_BYTES
    assert async_to_sync(body_bound)({"path": path, "method": "GET"}) < intake.MAX_BYTES
