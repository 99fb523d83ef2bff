"""GitLab's webhooks: who may send them, what they say, and every documented one, sent for real."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.gitlab.parsing import parse
from seatrial.control.forges.gitlab.signature import sign, signing_token
from seatrial.control.forges.gitlab.webhooks import GitLabWebhooks
from seatrial.control.forges.models import Delivery, DeliveryResult
from seatrial.control.projects.events import (
    Commented,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    TagCreated,
)
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups
from tests.forges.hosts.gitlab_hooks import EXAMPLES

SECRET = "the webhook secret"
MERGE, PUSH, TAG, NOTE = "Merge Request Hook", "Push Hook", "Tag Push Hook", "Note Hook"
HEADERS = {
    "merge_request": MERGE,
    "push": PUSH,
    "tag_push": TAG,
    "note": NOTE,
    "issue": "Issue Hook",
    "pipeline": "Pipeline Hook",
    "build": "Job Hook",
    "deployment": "Deployment Hook",
    "release": "Release Hook",
    "wiki_page": "Wiki Page Hook",
}
# Its names end in spaces: a webhook that cannot be read, as such.
BROKEN = "webhooks/group_merge_request"
# What came after the examples: names and shapes of GitLab's documentation.
NEWER: list[tuple[str, dict[str, Any]]] = [
    ("Feature Flag Hook", {"object_kind": "feature_flag", "object_attributes": {"id": 6, "active": True}}),
    ("Emoji Hook", {"object_kind": "emoji", "event_type": "award", "project_id": 7}),
    ("Milestone Hook", {"object_kind": "milestone", "action": "create", "project": {"id": 1}}),
    ("Vulnerability Hook", {"object_kind": "vulnerability", "object_attributes": {"url": "x"}}),
    ("Resource Access Token Hook", {"object_kind": "access_token", "event_name": "expiring_access_token"}),
    ("Member Hook", {"event_name": "user_add_to_group", "group_id": 100, "user_id": 64}),
    ("Project Hook", {"event_name": "project_destroy", "project_id": 22}),
    ("Quantum Hook", {"of": "the future"}),
]


def header(name: str) -> str:
    """The event that an example is sent as."""
    if name.startswith("systemhooks/"):
        return "System Hook"
    kind = EXAMPLES[name].get("object_kind")
    return HEADERS[kind] if kind else "Subgroup Hook"


def body(name: str, **changes: Any) -> bytes:
    """An example, with some of its values replaced: `object_attributes__action="close"`."""
    content = json.loads(json.dumps(EXAMPLES[f"webhooks/{name}"]))
    for path, value in changes.items():
        *way, last = path.split("__")
        place = content
        for step in way:
            place = place[step]
        place[last] = value
    return json.dumps(content).encode()


# who may send


def test_the_signature_is_gitlabs() -> None:
    # The worked example of the scheme, https://www.standardwebhooks.com
    token = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    payload = b'{"test": 2432232314}'
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(token, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", payload) == known


def test_what_gitlab_signs_with_are_32_bytes_of_the_secret_alone() -> None:
    token = signing_token(SECRET)
    assert len(base64.b64decode(token.removeprefix("whsec_"))) == 32
    assert signing_token(SECRET) == token != signing_token("another")
    assert signing_token(token) == token  # copied from GitLab
    assert signing_token("whsec_no base64").startswith("whsec_")


def proof(**changes: str) -> dict[str, str]:
    return {
        "webhook-id": "1",
        "webhook-timestamp": "2",
        "webhook-signature": sign(SECRET, "1", "2", b"{}"),
        **changes,
    }


ACCEPTED: list[dict[str, str]] = [
    {"X-Gitlab-Token": SECRET},
    {"X-Gitlab-Token": SECRET, "webhook-id": "1", "webhook-timestamp": "2"},
    proof(),
    proof(**{"X-Gitlab-Token": "an older one"}),
    proof(**{"webhook-signature": f"v1,abc {sign(SECRET, '1', '2', b'{}')}"}),
]
REFUSED: list[dict[str, str]] = [
    {},
    {"X-Gitlab-Token": ""},
    {"X-Gitlab-Token": "é"},
    {"X-Gitlab-Token": f"{SECRET} "},
    {"X-Gitlab-Token": SECRET, "webhook-signature": ""},  # a signature that is there counts alone
    proof(**{"X-Gitlab-Token": SECRET, "webhook-signature": sign("another", "1", "2", b"{}")}),
    proof(**{"webhook-id": "3"}),
    proof(**{"webhook-timestamp": "3"}),
    proof(**{"webhook-signature": sign(SECRET, "1", "2", b"{} ")}),
    proof(**{"webhook-signature": sign(SECRET, "1", "2", b"{}").removeprefix("v1,")}),
    proof(**{"webhook-signature": "v1,é"}),
]


@pytest.mark.parametrize("headers", ACCEPTED)
def test_who_knows_the_secret_is_believed(headers: dict[str, str]) -> None:
    webhooks = GitLabWebhooks()
    assert webhooks.signed(headers, b"{}", ["older", SECRET]) and webhooks.signed(headers, b"{}", [SECRET])
    assert not webhooks.signed(headers, b"{}", ["another"])
    assert not webhooks.signed(headers, b"{}", [])


@pytest.mark.parametrize("headers", REFUSED)
def test_nobody_else_is(headers: dict[str, str]) -> None:
    assert not GitLabWebhooks().signed(headers, b"{}", [SECRET])
    assert not GitLabWebhooks().signed(headers, b"{}", ["", SECRET])


def test_an_empty_secret_proves_nothing() -> None:
    signed = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": sign("", "1", "2", b"{}")}
    assert not GitLabWebhooks().signed(signed, b"{}", [""])
    assert not GitLabWebhooks().signed({"X-Gitlab-Token": ""}, b"{}", [""])


def test_the_id_is_what_stays_the_same_when_gitlab_repeats() -> None:
    read = GitLabWebhooks().read
    all_of_them = {
        "Idempotency-Key": "key",
        "webhook-id": "id",
        "X-Gitlab-Webhook-UUID": "attempt",
        "X-Gitlab-Event-UUID": "request",
    }
    assert read(all_of_them).delivery_id == "key"
    assert read({**all_of_them, "webhook-signature": "v1,x"}).delivery_id == "id"  # the one that is signed
    assert read({"webhook-signature": "v1,x", "Idempotency-Key": "key"}).delivery_id == ""
    assert (
        read({"X-Gitlab-Webhook-UUID": "attempt", "X-Gitlab-Event-UUID": "request"}).delivery_id == "attempt"
    )
    assert read({"X-Gitlab-Event": PUSH}).event == PUSH


def test_nothing_secret_is_kept() -> None:
    kept = {name.casefold() for name in GitLabWebhooks.kept_headers}
    assert not kept & {"x-gitlab-token", "webhook-signature", "authorization"}


# what they say


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"action": "open"}, PullRequestAction.OPENED),
        ({"action": "reopen"}, PullRequestAction.REOPENED),
        ({"action": "update", "oldrev": "a" * 40}, PullRequestAction.SYNCHRONIZE),
        ({"action": "update"}, PullRequestAction.CHANGED),
        ({"action": "close", "state": "closed"}, PullRequestAction.CLOSED),
        ({"action": "merge", "state": "merged"}, PullRequestAction.CLOSED),
    ],
)
def test_what_happens_to_a_merge_request(changes: dict[str, str], action: PullRequestAction) -> None:
    event = parse(
        MERGE, body("merge_request", **{f"object_attributes__{key}": changes[key] for key in changes})
    )
    assert isinstance(event, PullRequestChanged) and event.action is action
    assert event.merged is (changes["action"] == "merge")


def test_every_field_of_one() -> None:
    sent = body(
        "merge_request",
        user={"id": 51, "username": "ann"},
        object_attributes__author_id=51,
        object_attributes__source_project_id=14,
        object_attributes__draft=True,
        object_attributes__labels=[{"title": "preview"}],
        object_attributes__updated_at="2026-01-02 03:04:05 UTC",
        object_attributes__created_at="2026-01-01 03:04:05 UTC",
    )
    there = json.loads(sent)["object_attributes"]
    assert parse(MERGE, sent) == PullRequestChanged(
        external_id="14",
        number=there["iid"],
        action=PullRequestAction.OPENED,
        head_sha=there["last_commit"]["id"],
        branch=there["source_branch"],
        base_branch=there["target_branch"],
        title=there["title"],
        author="ann",
        from_fork=False,
        changed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        opened_at=datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC),
        draft=True,
        labels=("preview",),
    )


def test_a_fork_is_one_even_after_it_was_deleted() -> None:
    for source in (15, None):
        assert parse(MERGE, body("merge_request", object_attributes__source_project_id=source)).from_fork


def test_what_may_be_null_may_be_left_out() -> None:
    silent = {"title": None, "labels": None, "draft": None, "author_id": None, "oldrev": None}
    changed = {f"object_attributes__{key}": value for key, value in silent.items()}
    event = parse(MERGE, body("merge_request", user=None, labels=None, **changed))
    assert isinstance(event, PullRequestChanged) and (event.title, event.labels) == ("", ())


def test_who_did_something_is_not_taken_for_the_author() -> None:
    assert parse(MERGE, body("merge_request", user={"id": 1, "username": "bob"})).author == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "approved"},
        {"action": "unapproval"},
        {"action": "of_the_future"},
        {"action": "update", "state": "closed"},  # a label of one that is over opens nothing
        {"action": "update", "state": "merged", "oldrev": "a" * 40},
        {"last_commit": None},
    ],
)
def test_what_is_nothing_to_us(changes: dict[str, Any]) -> None:
    changed = {f"object_attributes__{key}": value for key, value in changes.items()}
    assert parse(MERGE, body("merge_request", **changed)) is None


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-01-02T03:04:05Z", 3),
        ("2026-01-02T03:04:05.987Z", 3),
        ("2026-01-02 03:04:05 UTC", 3),
        ("2026-01-02 05:04:05 +0200", 3),
        ("2026-01-02T05:04:05+02:00", 3),
    ],
)
def test_every_way_to_write_a_time_is_read(written: str, hour: int) -> None:
    event = parse(MERGE, body("merge_request", object_attributes__updated_at=written))
    assert event.changed_at == datetime(2026, 1, 2, hour, 4, 5, tzinfo=UTC)


def test_pushes_and_tags() -> None:
    pushed = parse(PUSH, body("push"))
    assert isinstance(pushed, Pushed) and pushed.ref == "refs/heads/master" and pushed.author == "jsmith"
    assert (pushed.external_id, len(pushed.commit), len(pushed.before)) == ("15", 40, 40)
    assert parse(PUSH, body("push", before="0" * 40)).before == ""
    assert parse(PUSH, body("push", after="0" * 40, checkout_sha=None)) is None
    tag = parse(TAG, body("tag_push", after="a" * 40, checkout_sha="b" * 40))
    assert isinstance(tag, TagCreated) and (tag.ref, tag.commit) == ("refs/tags/v1.0.0", "b" * 40)


def test_a_comment_below_a_merge_request() -> None:
    event = parse(NOTE, body("note_merge_request", object_attributes__note="/preview stop"))
    assert event == Commented(external_id="5", number=1, comment="1244", author="user1", body="/preview stop")
    for changes in ({"action": "update"}, {"system": True}, {"noteable_type": "Issue"}):
        changed = {f"object_attributes__{key}": value for key, value in changes.items()}
        assert parse(NOTE, body("note_merge_request", **changed)) is None


@pytest.mark.parametrize(
    ("event", "sent", "message"),
    [
        (MERGE, b"", "Invalid JSON"),
        (MERGE, b"[]", "object"),
        (MERGE, b"{}", "object_attributes"),
        (PUSH, b'{"ref": "refs/heads/a"}', "after"),
        (NOTE, b"{}", "project_id"),
        ("Anything Hook", b"\xff", "Invalid JSON"),
    ],
)
def test_what_cannot_be_read_is_named(event: str, sent: bytes, message: str) -> None:
    with pytest.raises(UnreadablePayload, match=message):
        parse(event, sent)


@pytest.mark.parametrize(
    "changes",
    [
        {"last_commit": {"id": "--upload-pack=x"}},
        {"source_branch": "a\x00b"},
        {"source_branch": "x" * 251},
        {"title": "a\x00b"},
        {"iid": 0},
        {"iid": 2**40},
        {"updated_at": "yesterday"},
        {"updated_at": "2026-01-02 03:04:05"},
    ],
)
def test_values_that_fit_nowhere_are_refused(changes: dict[str, Any]) -> None:
    changed = {f"object_attributes__{key}": value for key, value in changes.items()}
    with pytest.raises(UnreadablePayload):
        parse(MERGE, body("merge_request", **changed))


# every one of them, through the door


@pytest.fixture
def connection(db: None) -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return ensure_connection(workspace, "gitlab", "g", base_url="https://git.test", webhook_secret=SECRET)


def send(connection: Connection, event: str, content: Any, **headers: str) -> HttpResponse:
    sent = {"X-Gitlab-Event": event, "X-Gitlab-Token": SECRET, "Idempotency-Key": "1", **headers}
    path = f"/api/v1/webhooks/gitlab/{connection.pk}"
    return Client().post(path, json.dumps(content), content_type="application/json", headers=sent)


@pytest.mark.postgres
@pytest.mark.django_db
def test_every_documented_webhook_is_accepted_and_handled(connection: Connection) -> None:
    assert len(EXAMPLES) == 40
    documented = [(header(name), content) for name, content in EXAMPLES.items() if name != BROKEN]
    sent = documented + NEWER
    for number, (event, content) in enumerate(sent):
        answer = send(
            connection, event, {**content, "new": {"deep": [None]}}, **{"Idempotency-Key": str(number)}
        )
        assert (answer.status_code, answer.json()["result"]) == (202, "accepted"), answer.content
    answer = send(connection, MERGE, EXAMPLES[BROKEN], **{"Idempotency-Key": "broken"})
    assert (answer.status_code, answer.json()["result"]) == (400, "rejected (parse)")
    while Deliveries(Database(1), Wakeups([])).batch():
        pass
    for delivery in Delivery.objects.filter(result=DeliveryResult.ACCEPTED):
        assert delivery.handled_at is not None and delivery.outcome.startswith("ignored"), delivery.outcome
    read = Delivery.objects.filter(outcome__contains="no project is connected").count()
    assert read >= 5  # pushes, tags, merge requests, comments: those that we read


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_delivery_is_kept_without_its_token_and_known_again(connection: Connection) -> None:
    answer = send(connection, PUSH, EXAMPLES["webhooks/push"])
    assert answer.status_code == 202
    stored = Delivery.objects.get()
    assert SECRET not in json.dumps(stored.headers) and stored.headers["X-Gitlab-Event"] == PUSH
    assert send(connection, PUSH, EXAMPLES["webhooks/push"]).json()["result"] == "duplicate"
    assert send(connection, PUSH, {}, **{"X-Gitlab-Token": "x"}).json()["result"] == "rejected (signature)"
    assert send(connection, PUSH, {}, **{"Idempotency-Key": ""}).json()["result"] == "rejected (parse)"
