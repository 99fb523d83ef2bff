"""Half characters and NUL in every place where a request has text: refused, never a 500."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, User, Workspace
from seatrial.control.api import api
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.deliveries.pages import FILTERS
from seatrial.control.forges.github.signature import sign
from seatrial.control.inputs import InvalidInput, require_text
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from tests.forges.conftest import payload
from tests.rest.test_every_door import filled, pages

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

BAD = ["\ud800", "a\udfffb", "a\x00b"]
DOCUMENT = api.get_openapi_schema()
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return DOCUMENT["components"]["schemas"][reference.rsplit("/", 1)[1]] if reference else schema


def body_of(operation: dict[str, Any]) -> dict[str, str | int]:
    """A body in which every field is a text, as most are, or a number."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    fields = resolved(content["schema"])["properties"]
    return {name: 1 if field.get("type") == "integer" else "a" * 40 for name, field in fields.items()}


BODIES = [(method, path, body) for method, path, operation in OPERATIONS if (body := body_of(operation))]
PARAMETERS = [
    (method, path, parameter["name"])
    for method, path, operation in OPERATIONS
    for parameter in operation.get("parameters", [])
    if parameter["in"] == "query"
]
PATHS = [(method, path) for method, path, _ in OPERATIONS if "{" in path]


def turns(*, of: list[Any], among: list[Any]) -> list[Any]:
    """Each `among` with the one of `of` whose turn it is. What refuses is one place for all, so each kind is met at many addresses
    and each address meets one kind."""
    return [
        (*(one if isinstance(one, tuple) else (one,)), of[number % len(of)])
        for number, one in enumerate(among)
    ]


@pytest.fixture(scope="module")
def headers(rows_of_a_module: None) -> dict[str, str]:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    root = User.objects.create_user("root", password="correct horse battery", is_superuser=True)
    Membership.objects.create(workspace=workspace, user=root, role="owner")
    ensure_connection(workspace, "local", "here", webhook_secret="s" * 32)
    return {"Authorization": f"Bearer {tokens.issue(root, 'test', by=Actor.person('test'))}"}


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def refused(answer: Any) -> str:
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["code"] == "invalid" and "\\ud800" in error["message"]
    return str(error["message"])


def test_the_walk_finds_what_there_is() -> None:
    assert {path for _, path, _ in BODIES} >= {"/api/v1/agents/register", "/api/v1/local/pulls"}
    assert len(PARAMETERS) > 4 and len(PATHS) > 5


@pytest.mark.parametrize(("method", "path", "body", "bad"), turns(of=BAD, among=BODIES))
def test_in_a_body(
    client: Client, headers: dict[str, str], method: str, path: str, body: dict[str, str], bad: str
) -> None:
    for field in body:
        for sent in (
            {**body, field: bad},
            {**body, field: [{"deep": bad}]},
            {**body, field + bad: "x"},
        ):
            text = json.dumps(sent)
            answer = client.generic(method.upper(), filled(path), text, "application/json", headers=headers)
            assert "body" in refused(answer)


@pytest.mark.parametrize(("method", "path", "body", "bad"), turns(of=BAD, among=BODIES))
def test_in_bytes_that_are_no_utf_8(
    client: Client, headers: dict[str, str], method: str, path: str, body: dict[str, str], bad: str
) -> None:
    for encoding in ("utf-8", "utf-16", "utf-32"):
        sent = json.dumps({**body, next(iter(body)): bad}, ensure_ascii=False)
        data = sent.encode(encoding, "surrogatepass")
        answer = client.generic(method.upper(), filled(path), data, "application/json", headers=headers)
        assert answer.status_code == 400 and "body" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "name", "sent"),
    turns(of=["%00", "%ED%A0%80", "a%00b", "%FF", "%uD800"], among=PARAMETERS),
)
def test_in_the_query(
    client: Client, headers: dict[str, str], method: str, path: str, name: str, sent: str
) -> None:
    answer = client.generic(method.upper(), f"{filled(path)}?{name}={sent}", headers=headers)
    if "%00" in sent:
        assert "query" in refused(answer)
    else:
        decoded = {200, 400, 422} | ({404} if "{" in path else set())
        assert answer.status_code in decoded, "decoded to something else"
    answer = client.generic(method.upper(), f"{filled(path)}?{sent}=x", headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "sent"), turns(of=["%00", "%ED%A0%80", "a%00b", "%FF"], among=PATHS)
)
def test_in_the_path(client: Client, headers: dict[str, str], method: str, path: str, sent: str) -> None:
    required = {
        "commit": "a" * 40,
        "repositories": ["a/b"],
        "private_key": "k",
        "policy": "p",
        "reason": "r",
        "permitted": True,
        "url": "https://hooks.example.com/",
        "kinds": ["score_fell"],
        "workspace": "w",
        "slug": "a",
        "code": "x",
        "based_on": 1,
        "files": [],
        "mode": "members",
        "value": "v",
        "text": "A=1",
        "to": 1,
        "enabled": True,
        "day": "friday",
        "project": "p",
        "level": "soft",
        "ratchet": True,
        "username": "u",
        "password": "p",
        "kept": True,
        "account": "a",
        "role": "viewer",
    }
    body = json.dumps(required)
    address = filled(path).replace("01ABC", sent)
    answer = client.generic(method.upper(), address, body, "application/json", headers=headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


# Streams have connections of their own, which a test's transaction knows nothing of.
PAGES = {filled(page) for page in pages(get_resolver()) if "stream" not in page}


@pytest.mark.parametrize(("page", "sent"), turns(of=["%00", "%ED%A0%80", "%FF"], among=sorted(PAGES)))
def test_on_every_page(client: Client, headers: dict[str, str], page: str, sent: str) -> None:
    """In the address, in what filters it, in a form, and in a cookie."""
    client.force_login(User.objects.get())
    form = "&".join(
        f"{name}={sent}" for name in ("login", "password", "oldpassword", "password1", "theme", "next")
    )
    query = "&".join(
        f"{name}={sent}"
        for name in ("actor", "action", "before", "deployment", "host", "next", *FILTERS, "after", sent)
    )
    kind = "application/x-www-form-urlencoded"
    answers = [
        client.get(f"/{page}?{query}"),
        client.get(f"/{page}/{sent}".replace("//", "/")),
        client.get(f"/{page.replace('01ABC', sent)}"),
        client.generic("POST", f"/{page}", form, kind),
        Client(raise_request_exception=False).generic("POST", f"/{page}", form, kind),
    ]
    stranger = Client(raise_request_exception=False)
    stranger.cookies["sessionid"] = "\x00"
    answers.append(stranger.get(f"/{page}"))
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


def test_the_refusal_of_a_body_that_is_not_json_says_where(client: Client, headers: dict[str, str]) -> None:
    for text, said in (
        ("{", "body: not JSON"),
        ("[" * 100_000, "body: not JSON"),
        ('{"a": 1' + "0" * 5000 + "}", "body"),
    ):
        answer = client.generic("POST", "/api/v1/agents/register", text, "application/json")
        assert answer.status_code == 400 and said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"a": {"b": ["x", "\ud800"]}}, "body.a.b.1"),
        ({"a": 1, "\x00": "x"}, "a name in body"),
        ({"a": {"\udfff": {"c": "\x00"}}}, "a name in body.a, body.a.?.c"),
        ("\ud800", "body"),
        ([{"a": "x"}, {}, [], {"b": "\x00"}], "body.3.b"),
        ([["\x00"] * 9], "body.0.0, body.0.1, body.0.2, body.0.3, body.0.4"),
    ],
)
def test_the_places_are_named(document: object, places: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_text("body", document)
    assert str(refused.value).startswith(f"{places}: not text.")


def test_what_is_text_passes_however_deep_and_long() -> None:
    deep: object = "x"
    for _ in range(5_000):
        deep = {"a": [deep]}
    require_text("body", deep)
    require_text("body", {"a": ["é", "\U0001f6a2", None, 1, True] * 2_000, "": {}})


def leaves(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for name, child in children for place in leaves(child, (*way, name))]
    return [way] if isinstance(value, str) else []


@pytest.mark.parametrize("bad", BAD, ids=["half", "other half", "NUL"])
def test_in_a_webhook_that_is_well_signed(client: Client, headers: dict[str, str], bad: str) -> None:
    address = f"/api/v1/webhooks/local/{Connection.objects.get().pk}"
    content = json.loads(payload("pull_request.opened"))
    places = [way for way in leaves(content) if len(way) < 4]
    assert len(places) > 100
    for number, way in enumerate(places):
        sent = json.loads(json.dumps(content))
        target = sent
        for part in way[:-1]:
            target = target[part]
        target[way[-1]] = bad
        body = json.dumps(sent).encode()
        signed = {
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": f"d-{number}",
            "X-Hub-Signature-256": sign(body, "s" * 32),
        }
        answer = client.post(address, body, content_type="application/json", headers=signed)
        assert answer.status_code in {202, 400}, (way, answer.content)
