"""Payloads as GitHub sends them, from its own published examples."""

import json
from datetime import UTC, datetime

import pytest

from seatrial.control.forges.errors import UnreadablePayload
from seatrial.control.forges.github.parsing import parse
from seatrial.control.forges.github.signature import sign, verify
from seatrial.control.forges.protocol import PullRequestAction, PullRequestChanged, Pushed, TagCreated
from tests.forges.conftest import PAYLOADS, changed, payload


@pytest.mark.parametrize("action", [one for one in PullRequestAction if one is not PullRequestAction.CHANGED])
def test_what_happens_to_a_pull_request(action: PullRequestAction) -> None:
    event = parse("pull_request", payload(f"pull_request.{action}"))
    assert isinstance(event, PullRequestChanged)
    assert event.action is action
    assert event.external_id.isdigit()
    assert len(event.head_sha) == 40 and event.branch and event.base_branch == "master"


def test_every_field_of_one() -> None:
    body = payload("pull_request.opened")
    pull_request = json.loads(body)["pull_request"]
    event = parse("pull_request", body)
    assert event == PullRequestChanged(
        external_id=str(json.loads(body)["repository"]["id"]),
        number=pull_request["number"],
        action=PullRequestAction.OPENED,
        head_sha=pull_request["head"]["sha"],
        branch=pull_request["head"]["ref"],
        base_branch=pull_request["base"]["ref"],
        base_sha=pull_request["base"]["sha"],
        title=pull_request["title"],
        author=pull_request["user"]["login"],
        from_fork=False,
        changed_at=datetime.fromisoformat(pull_request["updated_at"].replace("Z", "+00:00")).astimezone(UTC),
        opened_at=datetime.fromisoformat(pull_request["created_at"].replace("Z", "+00:00")).astimezone(UTC),
    )


def test_a_label_comes_with_all_labels() -> None:
    event = parse("pull_request", payload("pull_request.labeled"))
    assert isinstance(event, PullRequestChanged)
    assert (event.action, event.labels, event.draft, event.merged) == (
        PullRequestAction.CHANGED,
        ("bug",),
        False,
        False,
    )


@pytest.mark.parametrize("action", ["labeled", "edited", "converted_to_draft", "synchronize"])
def test_what_happens_to_a_closed_one_leaves_it_closed(action: str) -> None:
    body = changed(
        payload("pull_request.closed"), action=action, pull_request__merged=True, pull_request__draft=None
    )
    event = parse("pull_request", body)
    assert isinstance(event, PullRequestChanged)
    assert (event.action, event.merged, event.draft) == (PullRequestAction.CLOSED, True, False)


def test_a_fork_is_one_even_after_it_was_deleted() -> None:
    body = payload("pull_request.opened")
    assert parse("pull_request", changed(body, pull_request__head__repo__id=1)).from_fork
    assert parse("pull_request", changed(body, pull_request__head__repo=None)).from_fork


def test_pushes_and_tags() -> None:
    push = parse("push", payload("push.branch"))
    assert isinstance(push, Pushed) and push.ref == "refs/heads/master" and len(push.commit) == 40
    assert push.before == "", "a new branch had no head"
    moved = parse("push", changed(payload("push.branch"), before="b" * 40))
    assert isinstance(moved, Pushed) and moved.before == "b" * 40
    tag = parse("push", payload("push.tag"))
    assert isinstance(tag, TagCreated) and tag.ref == "refs/tags/simple-tag" and len(tag.commit) == 40


@pytest.mark.parametrize("name", ["push.tag_deleted", "create.tag", "delete.tag", "ping"])
def test_what_is_nothing_to_us(name: str) -> None:
    assert parse(name.split(".", maxsplit=1)[0], payload(name)) is None


@pytest.mark.parametrize("file", sorted(PAYLOADS.glob("*.json")), ids=lambda file: file.stem)
def test_fields_nobody_knows_yet_change_nothing(file) -> None:
    event = file.stem.split(".")[0]
    before = parse(event, file.read_bytes())
    assert parse(event, changed(file.read_bytes(), new_field={"deep": [1]}, repository__new=None)) == before


@pytest.mark.parametrize(
    ("event", "body", "message"),
    [
        ("pull_request", b"", "Invalid JSON"),
        ("pull_request", b"{", "Invalid JSON"),
        ("ping", b"[]", "object"),
        ("anything", b"\xff\xfe", "Invalid JSON"),
        ("pull_request", b"{}", "action"),
        ("push", b'{"ref": "refs/heads/a"}', "after"),
        ("push", b"payload=%7B%7D", "content type to application/json"),
    ],
)
def test_what_cannot_be_read_is_named(event: str, body: bytes, message: str) -> None:
    with pytest.raises(UnreadablePayload, match=message):
        parse(event, body)


@pytest.mark.parametrize(
    "change",
    [
        {"pull_request__head__sha": "HEAD"},
        {"pull_request__head__sha": "--upload-pack=x"},
        {"pull_request__head__ref": "a\x00b"},
        {"pull_request__head__ref": "x" * 251},
        {"pull_request__title": "a\x00b"},
        {"pull_request__number": 0},
        {"pull_request__number": 2**40},
        {"pull_request__updated_at": "yesterday"},
        {"repository__id": None},
    ],
)
def test_values_that_fit_nowhere_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnreadablePayload):
        parse("pull_request", changed(payload("pull_request.opened"), **change))


def test_the_signature_is_githubs() -> None:
    # The worked example of GitHub's own documentation.
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(body, secret) == known
    assert verify(body, known, [secret])
    assert not verify(body + b" ", known, [secret])
    assert not verify(body, "", [secret])
    assert not verify(body, "sha256=é", [secret])
    assert not verify(body, sign(body, ""), [""])
    assert not verify(body, known, [])
    assert verify(body, known, ["older", secret]) and verify(body, known, [secret, "older"])
