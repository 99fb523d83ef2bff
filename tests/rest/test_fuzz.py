"""To any input the server answers with a status below 500, in the form that its OpenAPI document promises for errors."""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, User, Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.github.signature import sign
from seatrial.control.projects.services import ensure_connection
from tests.examples import examples
from tests.forges.conftest import SECRET, payload

# Real transactions: a refused value ends the one it came in.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

# Streams of a coroutine are for a real server, which tests/audit/test_doors.py asks for them
STREAMS = ["/api/v1/audit/export", "/api/v1/audit/verify"]
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application()).exclude(path=STREAMS)
FUZZ = settings(
    max_examples=examples(6),
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


PROMISES = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def token() -> str:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    root = User.objects.create_user("root", is_superuser=True)
    Membership.objects.create(workspace=workspace, user=root, role="owner")
    ensure_connection(workspace, "local", "here", webhook_secret=SECRET)
    return tokens.issue(root, "fuzz", by=Actor.person("test"))


@schema.parametrize()
@FUZZ
def test_every_operation(case: schemathesis.Case, token: str) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
    assert answer.status_code < 500, answer.text
    case.validate_response(answer, checks=PROMISES)
    if answer.status_code >= 400:
        assert answer.json()["error"]["message"]


@pytest.fixture
def webhook(db) -> str:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    connection = ensure_connection(workspace, "local", "here", webhook_secret=SECRET)
    return f"/api/v1/webhooks/local/{connection.pk}"


def deliver(path: str, body: bytes, event: str, delivery: str, signature: str | None = None) -> int:
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(body, SECRET) if signature is None else signature,
    }
    answer = Client().post(path, body, content_type="application/json", headers=headers)
    assert answer.json()["message" if answer.status_code < 400 else "error"] is not None
    return answer.status_code


@FUZZ
@given(
    body=st.binary(max_size=300),
    event=st.text(max_size=300),
    delivery=st.text(max_size=300),
    signature=st.text(),
)
def test_any_bytes_from_anybody(webhook: str, body: bytes, event: str, delivery: str, signature: str) -> None:
    assert deliver(webhook, body, event, delivery, signature) == 401


@FUZZ
@given(body=st.binary(max_size=300), event=st.text(max_size=300), delivery=st.text(max_size=300))
def test_any_bytes_well_signed(webhook: str, body: bytes, event: str, delivery: str) -> None:
    assert deliver(webhook, body, event, delivery) in {200, 202, 400}


def places(value: object, way: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [way, *(place for name, child in children for place in places(child, (*way, name)))]


READ = {
    "action",
    "number",
    "pull_request",
    "repository",
    "head",
    "base",
    "ref",
    "sha",
    "updated_at",
    "title",
    "after",
}


@pytest.mark.parametrize("name", ["pull_request.opened", "push.branch", "create.tag"])
@FUZZ
@given(data=st.data())
def test_a_real_payload_with_anything_in_any_place(webhook: str, name: str, data: st.DataObject) -> None:
    content = json.loads(payload(name))
    # Most fields are never read: every other time, one that is.
    interesting = [way for way in places(content) if way and way[-1] in READ and len(way) <= 3]
    way = data.draw(st.sampled_from(interesting) | st.sampled_from(places(content)[1:]))
    target = content
    for part in way[:-1]:
        target = target[part]
    target[way[-1]] = data.draw(JSON)
    delivery = data.draw(st.uuids()).hex
    assert deliver(webhook, json.dumps(content).encode(), name.split(".", maxsplit=1)[0], delivery) in {
        200,
        202,
        400,
    }
