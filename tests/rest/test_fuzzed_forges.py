"""Whatever comes to a webhook's address, and whatever a code host answers: an answer below 500, and no traceback."""

import json
from functools import partial
from typing import Any

import httpx
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from seatrial.control import outbound
from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, User, Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.configuration import Configuration
from seatrial.control.forges import connected, registry
from seatrial.control.forges.connected import Forges
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.conftest import payload
from tests.rest.test_fuzz import FUZZ, JSON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

# What forges put into the headers of webhooks, each of them and none.
NAMES = [
    "Content-Type", "User-Agent", "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature", "X-Hub-Signature-256",
    "X-Gitea-Event", "X-Gitea-Event-Type", "X-Gitea-Delivery", "X-Gitea-Signature", "X-Forgejo-Event", "X-Forgejo-Delivery",
    "X-Forgejo-Signature", "X-Gogs-Event", "X-Gitlab-Event", "X-Gitlab-Event-UUID", "X-Gitlab-Token", "X-Gitlab-Instance",
    "Idempotency-Key", "webhook-id", "webhook-timestamp", "webhook-signature", "Content-Encoding",
]  # fmt: skip
VALUES = st.text(max_size=60) | st.sampled_from(
    [
        "push",
        "pull_request",
        "Push Hook",
        "merge_request",
        "sha256=",
        "v1,",
        "v1,AAAA v1,é",
        "0",
        "-1",
        "9" * 400,
        "gzip",
    ]
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.just(payload("push.branch"))
)


def understood(answer: Any) -> None:
    """The answer says what is wrong, in our form."""
    assert answer.status_code < 500, answer.content
    assert "Traceback" not in answer.content.decode()
    if answer.status_code >= 400:
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", sorted(registry.FORGES))
@FUZZ
@given(headers=HEADERS, body=BODIES)
def test_any_headers_and_any_body_at_every_kind_of_door(
    kind: str, headers: dict[str, str], body: bytes
) -> None:
    workspace, _ = Workspace.objects.get_or_create(slug="ours", defaults={"name": "Ours"})
    row = Connection.objects.filter(forge=kind).first() or factories.connection(workspace, forge=kind)
    content_type = headers.pop("Content-Type", "application/json")
    answer = Client().post(
        f"/api/v1/webhooks/{kind}/{row.pk}", body, content_type=content_type, headers=headers
    )
    understood(answer)
    assert answer.status_code in {400, 401, 413}, "nobody signed it"


# What a code host may answer, in headers and in words.
LIMITS = [
    "ETag", "Date", "Link", "Location", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "RateLimit-Remaining", "RateLimit-Reset", "X-OAuth-Scopes", "GitHub-Authentication-Token-Expiration", "Content-Type",
]  # fmt: skip
ANSWERED = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40) | st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "9" * 30,
        "Wed, 99 Foo 2026",
        '<https://elsewhere.test/x>; rel="next"',
        '<>; rel="next"',
        "//x",
        "text/html",
    ]
)
ANSWERS = st.tuples(
    st.sampled_from([200, 201, 204, 301, 304, 307, 400, 401, 403, 404, 410, 418, 422, 429, 451, 500, 503]),
    st.dictionaries(st.sampled_from(LIMITS), ANSWERED, max_size=5),
    BODIES,
)
ASKED = [
    ("POST", "test", None),
    ("GET", "repositories?search=a", None),
    ("POST", "projects", {"repositories": ["acme/shop"]}),
]


@pytest.mark.parametrize("kind", [kind for kind, one in registry.FORGES.items() if one.hosting is not None])
@pytest.mark.parametrize(("method", "path", "asked"), ASKED)
@FUZZ
@given(answers=st.lists(ANSWERS, min_size=1, max_size=3))
def test_any_answer_of_a_code_host(
    kind: str, method: str, path: str, asked: Any, answers: list[tuple[int, dict[str, str], bytes]]
) -> None:
    workspace, _ = Workspace.objects.get_or_create(slug="ours", defaults={"name": "Ours"})
    root, _ = User.objects.get_or_create(username="root", is_superuser=True)
    Membership.objects.get_or_create(workspace=workspace, user=root, role="owner")
    row = factories.connection(workspace, forge=kind, base_url="http://127.0.0.1:1", credential="token")
    given_ones = iter([*answers, *[answers[-1]] * 300])

    def answer(_: httpx.Request) -> httpx.Response:
        status, headers, body = next(given_ones)
        return httpx.Response(
            status, headers=[(n.encode(), v.encode("latin-1")) for n, v in headers.items()], content=body
        )

    with pytest.MonkeyPatch.context() as patch:
        client = partial(outbound.client, Configuration(), transport=httpx.MockTransport(answer))
        patch.setattr(outbound, "client", lambda _, *, to, **options: client(to=to))
        patch.setattr(connected.OF_WEB, "_bound", Forges()._bound)
        token = tokens.issue(root, "fuzz", by=Actor.person("test"))
        understood(
            Client().generic(
                method,
                f"/api/v1/connections/{row.pk}/{path}",
                json.dumps(asked) if asked else "",
                content_type="application/json",
                headers={"Authorization": f"Bearer {token}"},
            )
        )
