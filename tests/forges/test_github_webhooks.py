"""Every webhook that GitHub has published an example of, signed and sent, is received as it should be."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.github.parsing import parse
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.events import Gone, RepositoryBack, RepositoryGone
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection, ensure_project
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
SECRET = "the webhook secret"
EXAMPLES: dict[str, list[dict[str, Any]]] = json.loads(
    lzma.decompress((Path(__file__).parent / "schemas" / "github_webhooks.json.xz").read_bytes())
)


@pytest.fixture
def connection() -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return ensure_connection(workspace, "github", "g", base_url="https://github.com", webhook_secret=SECRET)


def send(connection: Connection, event: str, payload: Any, delivery: str) -> tuple[int, dict[str, Any]]:
    body = json.dumps(payload).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(body, SECRET),
    }
    path = f"/api/v1/webhooks/github/{connection.pk}"
    answer = Client().post(path, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_there_are_examples_of_all() -> None:
    assert len(EXAMPLES) == 58 and sum(map(len, EXAMPLES.values())) == 329


@pytest.mark.parametrize("event", EXAMPLES)
def test_every_published_webhook_is_accepted_and_handled(connection: Connection, event: str) -> None:
    for number, payload in enumerate(EXAMPLES[event]):
        status, answer = send(connection, event, payload, f"{event}-{number}")
        assert (status, answer["result"]) == (202, "accepted"), answer
    while Deliveries(Database(1), Wakeups([])).batch():
        pass
    for delivery in Delivery.objects.all():
        assert delivery.handled_at is not None and delivery.outcome.startswith("ignored"), delivery.outcome


# What the examples of an event lead to in a project of theirs; all others lead to nothing.
OUTCOMES = {
    "pull_request": ("deployment ", "nothing new", "closed", "no preview", "ignored"),
    "push": ("evaluation ", "no policy applies", "ignored"),
    "repository": ("the repository is ", "ignored"),
    "merge_group": ("evaluation ",),
    "check_suite": ("asked for ", "ignored"),
    "issue_comment": ("ignored",),  # none of them has a command
}


@pytest.mark.parametrize("event", EXAMPLES)
def test_every_published_webhook_about_a_project_leads_to_what_it_should(
    connection: Connection, event: str
) -> None:
    repositories = [payload.get("repository") or {} for payload in EXAMPLES[event]]
    for identity in {str(one["id"]) for one in repositories if "id" in one}:
        ensure_project(connection, identity, name="r", clone_url="/r", web_url="", default_branch="main")
    for number, payload in enumerate(EXAMPLES[event]):
        send(connection, event, payload, f"{event}-{number}")
    while Deliveries(Database(1), Wakeups([])).batch():
        pass
    for delivery in Delivery.objects.all():
        assert delivery.handled_at is not None and delivery.attempts <= 1, delivery.outcome
        assert delivery.outcome.startswith(OUTCOMES.get(event, ("ignored",))), delivery.outcome


def test_events_that_are_something_to_us_are() -> None:
    found = {
        event: {type(parse(event, json.dumps(payload).encode())).__name__ for payload in EXAMPLES[event]}
        for event in EXAMPLES
    }
    known = {event: kinds - {"NoneType"} for event, kinds in found.items() if kinds != {"NoneType"}}
    assert known == {
        "pull_request": {"PullRequestChanged"},
        "push": {"Pushed", "TagCreated"},
        "repository": {"RepositoryChanged"},
        "merge_group": {"QueuedForMerge"},
    }


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("archived", RepositoryGone(external_id="1", why=Gone.ARCHIVED)),
        ("deleted", RepositoryGone(external_id="1", why=Gone.DELETED)),
        ("unarchived", RepositoryBack(external_id="1")),
        ("privatized", None),
    ],
)
def test_what_happens_to_a_repository(action: str, expected: Any) -> None:
    assert parse("repository", json.dumps({"action": action, "repository": {"id": 1}}).encode()) == expected


@pytest.mark.parametrize("event", ["pull_request", "push", "create"])
def test_fields_that_github_may_add_break_nothing(connection: Connection, event: str) -> None:
    payload = {**EXAMPLES[event][0], "new": {"deep": [None, 1]}, "another": None}
    assert send(connection, event, payload, "1")[0] == 202


def test_an_event_of_the_future_is_accepted_and_ignored(connection: Connection) -> None:
    status, answer = send(connection, "quantum_merge", {"action": "collapsed"}, "1")
    assert status == 202 and answer["message"].startswith("ignored")


@pytest.mark.parametrize("broken", [[], {}, {"action": "opened"}, {"action": 1}, None, "text", 7])
def test_a_payload_without_its_shape_is_stored_as_such(connection: Connection, broken: Any) -> None:
    status, answer = send(connection, "pull_request", broken, "1")
    assert status == 400 and answer["result"] == "rejected (parse)"
