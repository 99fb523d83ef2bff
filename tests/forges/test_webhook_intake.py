import json
from datetime import timedelta

import psycopg
import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership, User
from seatrial.control.audit.actors import Actor
from seatrial.control.forges import intake
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Connection
from seatrial.control.projects.webhook_secrets import rotate_webhook_secret
from tests.forges.conftest import SECRET, Send, changed, payload

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

OPENED = payload("pull_request.opened")


def results() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("result", flat=True))


def test_an_honest_delivery_is_stored_whole_and_left_to_the_worker(send: Send) -> None:
    answer = send(OPENED)
    assert (answer.status_code, answer.json()["result"]) == (202, "accepted")
    row = Delivery.objects.get(pk=answer.json()["delivery"])
    assert (bytes(row.body), row.event, row.delivery_id, row.result) == (
        OPENED,
        "pull_request",
        "d-1",
        "accepted",
    )
    assert row.handled_at is None
    assert not any("Signature" in name for name in row.headers)


def test_a_repeat_is_acknowledged_and_changes_nothing(send: Send) -> None:
    send(OPENED)
    answer = send(OPENED)
    assert (answer.status_code, answer.json()["result"]) == (200, "duplicate")
    assert results() == ["accepted"]


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha256=" + "0" * 64, sign(OPENED, "another"), "sha1=abc", "é"]
)
def test_a_wrong_signature_is_stored_as_such_and_its_body_cut(send: Send, signature: str) -> None:
    answer = send(OPENED, signature=signature)
    assert (answer.status_code, answer.json()["result"]) == (401, "rejected (signature)")
    assert answer.json()["error"]["code"] == "rejected"
    assert len(Delivery.objects.get().body) == intake.KEPT_OF_REJECTED


def test_a_rejected_delivery_does_not_block_its_honest_repeat(send: Send) -> None:
    send(OPENED, signature="sha256=wrong")
    send(OPENED, signature="sha256=wrong")
    assert send(OPENED).status_code == 202
    assert results() == ["rejected (signature)", "rejected (signature)", "accepted"]


def test_without_a_stored_secret_nothing_is_accepted(send: Send, connection: Connection) -> None:
    connection.webhook_secret = ""
    connection.save()
    answer = send(OPENED, signature=sign(OPENED, ""))
    assert (answer.status_code, answer.json()["result"]) == (401, "rejected (secret unavailable)")
    assert results() == ["rejected (secret unavailable)"]


def test_nor_with_one_that_cannot_be_opened(send: Send, connection: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE projects_connection SET webhook_secret = 'v1.broken.broken'")
    assert send(OPENED).json()["result"] == "rejected (secret unavailable)"


def test_after_a_rotation_both_secrets_count_for_a_while(send: Send, connection: Connection) -> None:
    rotate_webhook_secret(connection, "the next secret", timedelta(hours=1), by=Actor.person("alice"))
    assert send(OPENED, delivery="old", signature=sign(OPENED, SECRET)).status_code == 202
    assert send(OPENED, delivery="new", signature=sign(OPENED, "the next secret")).status_code == 202
    Connection.objects.update(previous_valid_until=timezone.now() - timedelta(seconds=1))
    assert send(OPENED, delivery="late", signature=sign(OPENED, SECRET)).status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[1]", b"\xff", b'{"action": "opened"}', b"payload=%7B%7D"]
)
def test_a_body_that_is_not_what_it_says_is_stored_as_such(send: Send, body: bytes) -> None:
    answer = send(body)
    assert (answer.status_code, answer.json()["result"]) == (400, "rejected (parse)")
    row = Delivery.objects.get()
    assert row.result == "rejected (parse)" and row.outcome and row.handled_at


@pytest.mark.parametrize(("event", "delivery"), [("", "d-1"), ("push", "")])
def test_missing_headers_are_named(send: Send, event: str, delivery: str) -> None:
    answer = send(OPENED, event=event, delivery=delivery)
    assert (answer.status_code, answer.json()["result"]) == (400, "rejected (parse)")


@pytest.mark.parametrize("event", ["ping", "star", "an_event_of_next_year"])
def test_events_nobody_acts_on_are_accepted_and_done_with(send: Send, event: str) -> None:
    answer = send(b'{"zen": 1}', event=event)
    assert (answer.status_code, answer.json()["result"]) == (202, "accepted")
    row = Delivery.objects.get()
    assert row.handled_at is not None and row.outcome.startswith("ignored")


@pytest.mark.parametrize("path", ["local/nothing", "github/{id}", "nothing/{id}", "local/a%00b", "local/é"])
def test_an_unknown_address_is_404_in_json(send: Send, connection: Connection, path: str) -> None:
    answer = send(OPENED, path=f"/api/v1/webhooks/{path.format(id=connection.pk)}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == ("not_found" if "%" in path else "unknown_connection")
    assert results() == []


def test_a_body_over_25_mb_is_refused_unread(send: Send) -> None:
    answer = send(b"x" * (25 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert results() == []


def test_a_body_of_25_mb_is_not(send: Send) -> None:
    body = changed(OPENED, padding="x")
    body = body[:-1] + b" " * (25 * 1024 * 1024 - len(body)) + b"}"
    assert send(body).status_code == 202


def test_get_is_not_a_delivery(connection: Connection) -> None:
    assert Client().get(f"/api/v1/webhooks/local/{connection.pk}").status_code == 405


def test_the_same_id_from_two_connections_is_two_deliveries(send: Send, connection: Connection) -> None:
    other = Connection.objects.create(
        workspace=connection.workspace, forge="local", name="two", webhook_secret=SECRET
    )
    assert send(OPENED).status_code == 202
    assert send(OPENED, path=f"/api/v1/webhooks/local/{other.pk}").status_code == 202


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_when_the_delivery_is_there_and_not_before(send: Send) -> None:
    names = ("dbname", "host", "port", "user", "password")
    where = {name: value for name, value in database.get_connection_params().items() if name in names}
    with psycopg.connect(**where, autocommit=True) as listener:
        listener.execute(f"LISTEN {intake.CHANNEL}")
        delivery = send(OPENED).json()["delivery"]
        send(OPENED, signature="wrong")
        with database.cursor() as cursor:
            cursor.execute(f"NOTIFY {intake.CHANNEL}, 'nothing more comes'")
        heard = [note.payload for note in listener.notifies(timeout=60, stop_after=2)]
    assert heard == [delivery, "nothing more comes"]


def test_deliveries_are_listed_newest_first_to_those_who_may(send: Send, connection: Connection) -> None:
    send(OPENED, delivery="one")
    send(OPENED, delivery="two", signature="wrong")
    client = Client()
    for name, role, expected in (
        ("ada", "admin", ["two", "one"]),
        ("dan", "developer", []),
        ("charlie", None, []),
    ):
        user = User.objects.create_user(name)
        if role:
            Membership.objects.create(workspace=connection.workspace, user=user, role=role)
        client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
        answer = client.get("/api/v1/deliveries").json()
        assert [row["delivery_id"] for row in answer] == expected
        assert "body" not in json.dumps(answer)
