"""Every webhook that Gitea and Forgejo document, signed and sent, is received as it should be.

What they say of repositories, people, pull requests and comments is held to their published schemas; the frames around that
are those of `modules/structs/hook.go` of Gitea 1.26 and Forgejo 11, with every event and action that is listed there.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.gitea.parsing import parse
from seatrial.control.forges.gitea.webhooks import GiteaWebhooks
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.events import (
    Commented,
    Gone,
    PullRequestAction,
    PullRequestChanged,
    Pushed,
    RepositoryGone,
    TagCreated,
)
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups
from tests.forges.hosts import gitea_shapes as shapes
from tests.forges.hosts.gitea import EVENTS, ForgejoSite, GiteaSite
from tests.forges.hosts.site import Comment, Hosted, Pull, Webhook

SECRET = "the webhook secret"
HEAD, BASE, TAG, NONE = ("a" * 40, "b" * 40, "c" * 40, "0" * 40)


@dataclass
class Stage:
    """A site with one repository and one pull request, which says what is needed without a server."""

    site: GiteaSite
    hosted: Hosted
    pull: Pull
    comment: Comment

    def around(self) -> dict[str, Any]:
        return {
            "repository": shapes.repository(self.site, self.hosted, "read"),
            "sender": shapes.somebody(self.site, "ann"),
        }

    def pull_request(self, action: str, **more: Any) -> dict[str, Any]:
        return {**self.site.pull_payload(self.hosted, self.pull, action), **more}

    def issue(self, action: str) -> dict[str, Any]:
        issue = {"id": 1, "number": 3, "title": "It leaks", "state": "open", "pull_request": None}
        return {"action": action, "number": 3, "issue": issue, **self.around(), "commit_id": ""}

    def commented(self, action: str, *, is_pull: bool) -> dict[str, Any]:
        _, payload = self.site.comment_payload(self.hosted, self.pull, self.comment, action)
        return {**payload, "is_pull": is_pull}

    def push(self, ref: str, before: str, after: str, head: str | None) -> dict[str, Any]:
        payload = self.site.push_payload(self.hosted, "main", before, after)
        commit = {"id": head, "message": "A cart", "author": {"name": "Ann"}} if head else None
        return {**payload, "ref": ref, "head_commit": commit}


@pytest.fixture(params=[GiteaSite, ForgejoSite])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    site: GiteaSite = request.param(tmp_path)
    site.url = "https://git.test"
    for login in ("acme", "ann"):
        site.person(login)
    hosted = Hosted(7, "acme", "shop", tmp_path, {"ann": "write"})
    site.repositories["acme/shop"] = hosted
    pull = Pull(1, "feature", HEAD, BASE, "Add a cart", "ann", labels=["preview"])
    hosted.pulls[1] = pull
    return Stage(site, hosted, pull, Comment(11, "ann", "/preview rebuild"))


# The types of the events, by their actions.
OURS = {
    "opened": "pull_request",
    "closed": "pull_request",
    "reopened": "pull_request",
    "edited": "pull_request",
    "deleted": "pull_request",
    "label_updated": "pull_request_label",
    "label_cleared": "pull_request_label",
    "synchronized": "pull_request_sync",
}
OTHERS = {
    "assigned": "pull_request_assign",
    "unassigned": "pull_request_assign",
    "milestoned": "pull_request_milestone",
    "demilestoned": "pull_request_milestone",
    "review_requested": "pull_request_review_request",
    "review_request_removed": "pull_request_review_request",
}


def documented(stage: Stage) -> list[tuple[str, dict[str, Any], type | None]]:
    """Type of the event, body, and what it is to us."""
    around = stage.around()
    new_ref = {"sha": HEAD, "ref": "v1", "ref_type": "tag", **around}
    released = {"release": {"id": 1, "tag_name": "v1", "target_commitish": "main"}, **around}
    run = {"workflow_run": {"id": 1, "head_sha": HEAD}, "workflow": {"id": "ci.yml"}, **around}
    reviews = ("approved", "rejected", "comment")
    return [
        *((kind, stage.pull_request(action), PullRequestChanged) for action, kind in OURS.items()),
        *((kind, stage.pull_request(action), None) for action, kind in OTHERS.items()),
        *(
            (
                f"pull_request_review_{one}",
                stage.pull_request("reviewed", review={"type": one, "content": "x"}),
                None,
            )
            for one in reviews
        ),
        ("pull_request_comment", stage.commented("created", is_pull=True), Commented),
        ("pull_request_comment", stage.commented("edited", is_pull=True), None),
        ("pull_request_comment", stage.commented("deleted", is_pull=True), None),
        ("issue_comment", stage.commented("created", is_pull=False), None),
        *(("issues", stage.issue(action), None) for action in ("opened", "closed", "reopened", "edited")),
        ("issue_assign", stage.issue("assigned"), None),
        ("issue_label", stage.issue("label_updated"), None),
        ("issue_milestone", stage.issue("milestoned"), None),
        ("push", stage.push("refs/heads/main", BASE, HEAD, HEAD), Pushed),
        ("push", stage.push("refs/heads/new", NONE, HEAD, HEAD), Pushed),
        ("push", stage.push("refs/heads/old", HEAD, NONE, None), None),
        ("push", stage.push("refs/heads/main", HEAD, HEAD, HEAD), None),  # somebody tests the webhook
        ("push", stage.push("refs/tags/v1", NONE, TAG, HEAD), TagCreated),
        ("push", stage.push("refs/tags/v1", HEAD, NONE, None), None),
        ("create", new_ref, None),
        ("delete", {"ref": "old", "ref_type": "branch", "pusher_type": "user", **around}, None),
        ("fork", {"forkee": around["repository"], **around}, None),
        ("repository", {"action": "created", "organization": None, **around}, None),
        ("repository", {"action": "deleted", "organization": None, **around}, RepositoryGone),
        *(("release", {"action": one, **released}, None) for one in ("published", "updated", "deleted")),
        *(
            ("package", {"action": one, "package": {"id": 1}, **around}, None)
            for one in ("created", "deleted")
        ),
        *(
            ("wiki", {"action": one, "page": "Home", "comment": "", **around}, None)
            for one in ("created", "edited", "deleted")
        ),
        (
            "status",
            {"id": 1, "sha": HEAD, "state": "warning", "context": "seatrial/preview", **around},
            None,
        ),
        *(("workflow_run", {"action": one, **run}, None) for one in ("requested", "completed")),
        ("workflow_job", {"action": "queued", "workflow_job": {"id": 1}, **around}, None),
        *(
            (f"action_run_{one}", {"action": one, "run": {"id": 1}, "prior_status": "failure"}, None)
            for one in ("failure", "recover", "success")
        ),
    ]


def test_what_they_say_of_things_is_as_published(stage: Stage) -> None:
    payloads = [payload for _, payload, _ in documented(stage)]
    for name, schema in (
        ("repository", "Repository"),
        ("sender", "User"),
        ("pull_request", "PullRequest"),
        ("comment", "Comment"),
    ):
        said = [one[name] for one in payloads if one.get(name)]
        assert said
        for one in said:
            stage.site.published.check(schema, one)


def test_every_documented_webhook_is_what_it_is_to_us(stage: Stage) -> None:
    for exact, payload, expected in documented(stage):
        event = parse(EVENTS.get(exact, exact), json.dumps(payload).encode())
        found = type(event) if event is not None else None
        assert found is expected, (exact, payload.get("action"))
        assert event is None or event.external_id == "7"


@pytest.mark.django_db
@pytest.mark.postgres
def test_every_documented_webhook_is_accepted_and_handled(stage: Stage, connection: Connection) -> None:
    cases = documented(stage)
    for number, (exact, payload, expected) in enumerate(cases):
        status, answer = send(stage, connection, exact, payload, str(number))
        assert (status, answer["result"]) == (202, "accepted"), answer
        assert bool(answer["message"]) is (expected is None), exact
    while Deliveries(Database(1), Wakeups([])).batch():
        pass
    assert Delivery.objects.count() == len(cases)
    for delivery in Delivery.objects.all():
        assert delivery.handled_at is not None and delivery.outcome.startswith("ignored"), delivery.outcome
        assert not {"signature", "authorization"} & set("-".join(delivery.headers).lower().split("-"))


def test_every_field_of_a_pull_request(stage: Stage) -> None:
    event = parse("pull_request", json.dumps(stage.pull_request("label_updated")).encode())
    assert event == PullRequestChanged(
        external_id="7",
        number=1,
        action=PullRequestAction.CHANGED,
        head_sha=HEAD,
        branch="feature",
        base_branch="main",
        base_sha=BASE,
        title="Add a cart",
        author="ann",
        from_fork=False,
        changed_at=stage.pull.updated_at,
        opened_at=datetime.fromisoformat(shapes.MADE.replace("Z", "+00:00")),
        labels=("preview",),
    )


def test_a_draft_and_a_merge_are_known(stage: Stage) -> None:
    stage.pull.draft = True
    event = parse("pull_request", json.dumps(stage.pull_request("edited")).encode())
    assert isinstance(event, PullRequestChanged) and event.draft and event.title == "WIP: Add a cart"
    stage.pull.draft, stage.pull.state, stage.pull.merged = False, "closed", True
    event = parse("pull_request", json.dumps(stage.pull_request("closed")).encode())
    assert isinstance(event, PullRequestChanged) and event.merged and not event.draft


def test_what_is_evaluated_of_a_push(stage: Stage) -> None:
    push = parse("push", json.dumps(stage.push("refs/heads/main", BASE, HEAD, HEAD)).encode())
    assert push == Pushed(external_id="7", ref="refs/heads/main", commit=HEAD, author="acme", before=BASE)
    tag = parse("push", json.dumps(stage.push("refs/tags/v1", NONE, TAG, HEAD)).encode())
    assert tag == TagCreated(external_id="7", ref="refs/tags/v1", commit=HEAD, author="acme")


def test_a_comment_and_a_deleted_repository(stage: Stage) -> None:
    comment = parse("issue_comment", json.dumps(stage.commented("created", is_pull=True)).encode())
    assert comment == Commented(
        external_id="7", number=1, comment="11", author="ann", body="/preview rebuild"
    )
    gone = parse(
        "repository", json.dumps({"action": "deleted", "organization": None, **stage.around()}).encode()
    )
    assert gone == RepositoryGone(external_id="7", why=Gone.DELETED)


@pytest.mark.parametrize("event", ["pull_request", "push", "issue_comment", "repository", "status"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"\xff"])
def test_what_is_no_object_is_refused(event: str, body: bytes) -> None:
    with pytest.raises(UnreadablePayload, match=event):
        parse(event, body)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("pull_request", "head", "sha"), "HEAD"),
        (("pull_request", "head", "sha"), ""),
        (("pull_request", "head", "ref"), "a\x00b"),
        (("pull_request", "base", "ref"), "x" * 251),
        (("pull_request", "title"), "a\x00b"),
        (("pull_request", "number"), 2**40),
        (("pull_request", "updated_at"), None),
        (("repository", "id"), None),
    ],
)
def test_values_that_fit_nowhere_are_refused(place: tuple[str, ...], value: Any, stage: Stage) -> None:
    payload: dict[str, Any] = stage.pull_request("opened")
    inner = payload
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(UnreadablePayload):
        parse("pull_request", json.dumps(payload).encode())


def test_a_webhook_sent_as_a_form_says_what_to_change() -> None:
    with pytest.raises(UnreadablePayload, match="content type to application/json"):
        parse("push", b"payload=%7B%7D")


# signatures


def mac(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("headers", "secrets", "good"),
    [
        ({"X-Gitea-Signature": mac(b"{}")}, [SECRET], True),
        ({"X-Forgejo-Signature": mac(b"{}")}, [SECRET], True),
        ({"X-Gitea-Signature": mac(b"{}")}, ["older", SECRET], True),
        ({"X-Gitea-Signature": mac(b"{}")}, [SECRET, "newer"], True),
        ({"X-Gitea-Signature": mac(b"{ }")}, [SECRET], False),
        ({"X-Gitea-Signature": ""}, [SECRET], False),
        ({"X-Gitea-Signature": ""}, [""], False),
        ({"X-Gitea-Signature": ""}, [], False),
        ({"X-Gitea-Signature": mac(b"{}", "")}, [""], False),
        ({"X-Gitea-Signature": f"sha256={mac(b'{}')}"}, [SECRET], False),
        ({"X-Gitea-Signature": "é"}, [SECRET], False),
        ({"X-Hub-Signature-256": f"sha256={mac(b'{}')}"}, [SECRET], False),
        ({"X-Gogs-Signature": mac(b"{}")}, [SECRET], False),
    ],
)
def test_only_a_signature_of_the_body_by_a_secret_proves_anything(
    headers: dict[str, str], secrets: list[str], good: bool
) -> None:
    assert GiteaWebhooks().signed(headers, b"{}", secrets) is good


def test_an_event_that_has_only_its_exact_name_is_known_by_it() -> None:
    """Versions before 1.24 leave the other header empty for some events."""
    read = GiteaWebhooks().read
    assert read({"X-Gitea-Event": "", "X-Gitea-Event-Type": "package"}).event == "package"
    assert read({"X-Forgejo-Event": "push", "X-Forgejo-Delivery": "7"}).delivery_id == "7"
    assert read({"X-GitHub-Event": "push", "X-GitHub-Delivery": "7"}).event == ""


@pytest.fixture
def connection(db: None) -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return ensure_connection(workspace, "gitea", "g", base_url="https://git.test", webhook_secret=SECRET)


def deliver(connection: Connection, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    path = f"/api/v1/webhooks/{connection.forge}/{connection.pk}"
    answer = Client().post(path, body, content_type="application/json", headers=dict(headers))
    return answer.status_code, answer.json()


def send(
    stage: Stage, connection: Connection, exact: str, payload: Any, guid: str, secret: str = SECRET
) -> tuple[int, dict[str, Any]]:
    body = json.dumps(payload).encode()
    headers = stage.site.webhook_headers(Webhook(1, "", secret, []), exact, body, guid)
    del headers["Content-Type"]
    return deliver(connection, body, headers)


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_webhook_without_a_secret_is_refused(stage: Stage, connection: Connection) -> None:
    status, answer = send(stage, connection, "pull_request", stage.pull_request("opened"), "1", secret="")
    assert (status, answer["result"]) == (401, "rejected (signature)")


@pytest.mark.django_db
@pytest.mark.postgres
def test_githubs_headers_alone_are_no_giteas(connection: Connection) -> None:
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "1",
        "X-Hub-Signature-256": sign(b"{}", SECRET),
    }
    assert deliver(connection, b"{}", headers)[0] == 401


@pytest.mark.django_db
@pytest.mark.postgres
@pytest.mark.parametrize("secret", [SECRET, ""])
def test_sent_to_the_address_of_a_github_connection_it_says_so(stage: Stage, secret: str) -> None:
    """Its headers are also GitHub's, and its signature fits."""
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    github = ensure_connection(workspace, "github", "g", base_url="https://github.com", webhook_secret=SECRET)
    status, answer = send(stage, github, "pull_request", stage.pull_request("opened"), "1", secret=secret)
    assert (status, answer["result"]) == (400, "rejected (parse)")
    assert "Gitea or Forgejo" in answer["message"]
    assert "Connect it as what it is" in Delivery.objects.get().outcome
