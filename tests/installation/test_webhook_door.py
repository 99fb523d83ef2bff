"""Webhooks are taken ahead of Django, and meet everything that other requests meet; what is not in order goes to Django."""

import gc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.db import OperationalError

from seatrial.control import web
from seatrial.control.accounts.models import Workspace
from seatrial.control.body_limit import Receive, Scope, Send
from seatrial.control.forges import body_bound, door, intake
from seatrial.control.forges.door import Door
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.middleware_headers import MiddlewareHeaders
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.conftest import payload
from tests.installation.served import Served, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
PUSH = payload("push.branch")
SECRET = "s" * 32
DIFFERS = {"date", "content-length", "vary", "x-request-id"}


@pytest.fixture
def served(transactional_db: None) -> Iterator[Served]:
    from seatrial.control import asgi  # looks at the database

    with serving(asgi.application) as served:
        yield served


@pytest.fixture
def connection(transactional_db: None) -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return factories.connection(workspace, forge="github", webhook_secret=SECRET)


@pytest.fixture
def path(connection: Connection) -> str:
    return f"/api/v1/webhooks/github/{connection.pk}"


def headers(*, secret: str = SECRET, delivery: str = "d-1", **more: str) -> dict[str, str]:
    signature = sign(PUSH, secret)
    own = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": signature,
    }
    return {"Content-Type": "application/json", **own, **more}


def sent(served: Served, path: str, **options: str) -> httpx.Response:
    host, port = served.address
    url = f"http://{host}:{port}{path}"
    own = headers(**options, **{"Accept-Encoding": "identity"})
    return httpx.post(url, content=PUSH, headers=own, timeout=60, trust_env=False, verify=False)


def test_a_webhook_is_answered_with_the_headers_of_every_answer(served: Served, path: str) -> None:
    taken = [sent(served, path, delivery=str(number)) for number in range(3)]
    again, wrong = sent(served, path, delivery="0"), sent(served, path, secret="x")
    page = httpx.get(
        f"http://127.0.0.1:{served.address[1]}/healthz", timeout=60, trust_env=False, verify=False
    )
    assert [one.status_code for one in (*taken, again, wrong)] == [202, 202, 202, 200, 401]
    assert Delivery.objects.filter(result="accepted").count() == 3
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert {one.headers[name] for one in (*taken, again, wrong)} == {page.headers[name]}, name


def test_it_is_answered_as_django_would(served: Served, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_kinds() -> list[httpx.Response]:
        Delivery.objects.all().delete()
        return [
            sent(served, path), sent(served, path), sent(served, path, secret="x"),
            sent(served, "/api/webhooks/github/", delivery="d-2"), sent(served, "/api/webhooks/gitlab"),
            sent(served, path, delivery=""), sent(served, path, **{"X-Gitea-Event": "push"}),
        ]  # fmt: skip

    quick = all_kinds()
    monkeypatch.setattr(door, "_in_order", lambda scope: False)
    ordinary = all_kinds()
    assert [one.status_code for one in quick] == [202, 200, 401, 202, 404, 400, 400]
    assert [seen(one) for one in quick] == [seen(one) for one in ordinary]


def seen(answer: httpx.Response) -> tuple[object, ...]:
    """An answer without what differs each time, and what is about compression: only Django compresses."""
    named = {name: value for name, value in answer.headers.items() if name not in DIFFERS}
    return answer.status_code, named, {**answer.json(), "delivery": bool(answer.json().get("delivery"))}


def test_a_connection_that_was_removed_takes_nothing_more(
    served: Served, connection: Connection, path: str
) -> None:
    assert sent(served, path).status_code == 202
    connection.delete()
    gone = sent(served, path)
    body_bound._known.clear()
    later = sent(served, path)
    assert [(one.status_code, one.json()["error"]["code"]) for one in (gone, later)] == [
        (404, "unknown_connection")
    ] * 2


def test_what_fails_once_is_taken_all_the_same(
    served: Served, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, failures = intake.receive, [OperationalError("the server closed the connection"), None]

    def broken(*what: object) -> object:
        if failure := failures.pop(0):
            raise failure
        return receive(*what)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "receive", broken)
    assert sent(served, path).status_code == 202
    assert (failures, Delivery.objects.count()) == ([], 1)


def test_what_keeps_failing_is_said(served: Served, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*what: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(intake, "receive", broken)
    answer = sent(served, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


async def django(scope: Scope, receive: Receive, send: Send) -> None:
    """In the place of Django: tells that it was asked."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 299, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 202),
        ({"query": "?key=0123abcd"}, 202),
        ({"host": "LOCALHOST:80"}, 202),
        ({"method": "GET"}, 299),
        ({"method": "PUT"}, 299),
        ({"query": "?key=%41"}, 299),
        ({"query": "?other=1"}, 299),
        ({"host": "pr-1-shop.preview.localhost"}, 299),
        ({"host": "elsewhere.test"}, 299),
        ({"host": "localhost\r\nHost: localhost"}, 299),
        ({"below": "/more"}, 299),
        ({"length": "Transfer-Encoding: chunked"}, 299),
        ({"length": f"Content-Length: {door.MOST_BYTES + 1}"}, 299),
    ],
)
def test_only_what_is_in_order_is_taken(path: str, change: dict[str, str], status: int) -> None:
    own = "".join(f"{name}: {value}\r\n" for name, value in headers().items())
    length = change.get("length", f"Content-Length: {len(PUSH)}")
    where = f"{path}{change.get('below', '')}{change.get('query', '')}"
    head = f"{change.get('method', 'POST')} {where} HTTP/1.1\r\nHost: {change.get('host', 'localhost')}\r\n{length}\r\n{own}"
    body = {"T": b"0\r\n\r\n", "C": PUSH}[length[0]].ljust(
        door.MOST_BYTES + 1 if str(door.MOST_BYTES + 1) in length else 0
    )
    with serving(Door(django)) as served:
        answer = served.ask(f"{head}\r\n".encode() + body)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert Delivery.objects.count() == (status == 202)


def test_a_client_that_goes_away_leaves_nothing(path: str) -> None:
    with serving(Door(django)) as served:
        with served.connected() as client:
            own = "".join(f"{name}: {value}\r\n" for name, value in headers().items())
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(PUSH)}\r\n{own}\r\n"
            client.sendall(head.encode() + PUSH[:100])
        assert served.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 299 ")
    assert not Delivery.objects.exists()


def test_no_answer_waits_for_a_look_at_what_is_in_memory_for_good() -> None:
    try:
        assert web.application() is not None
        assert gc.isenabled()
        assert gc.get_freeze_count() > len(gc.get_objects(generation=2))
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(("scheme", "strict"), [("http", False), ("https", True)])
async def test_what_the_middleware_adds_is_added_whatever_it_depends_on(
    settings: Any, scheme: str, strict: bool
) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"auth_require_second_factor": True})
    given = [(b"host", b"localhost"), (b"cookie", b"sessionid=somebody"), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": "/", "scheme": scheme, "headers": given}
    names = {name for name, _ in MiddlewareHeaders().of(scope)}
    assert {b"x-frame-options", b"content-security-policy"} <= names
    assert (b"strict-transport-security" in names) is strict
    assert not names & {b"content-length", b"content-type", b"set-cookie", b"location"}
