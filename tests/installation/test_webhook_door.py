"""Webhooks take a quicker way through the server, and meet everything that other requests meet."""

from collections.abc import Iterator

import httpx
import pytest

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges import body_bound
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Connection
from tests import factories
from tests.forges.conftest import payload
from tests.installation.served import Served, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
PUSH = payload("push.branch")


@pytest.fixture
def served(transactional_db: None) -> Iterator[Served]:
    from seatrial.control import asgi  # looks at the database

    with serving(asgi.application) as served:
        yield served


@pytest.fixture
def connection() -> Connection:
    workspace = Workspace.objects.create(slug="ours", name="Ours")
    return factories.connection(workspace, forge="github", webhook_secret="s" * 32)


def sent(served: Served, path: str, *, secret: str = "s" * 32, delivery: str = "d-1") -> httpx.Response:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(PUSH, secret),
    }
    host, port = served.address
    return httpx.post(
        f"http://{host}:{port}{path}", content=PUSH, headers=headers, timeout=60, trust_env=False
    )


def test_a_webhook_is_answered_with_the_headers_of_every_answer(
    served: Served, connection: Connection
) -> None:
    path = f"/api/v1/webhooks/github/{connection.pk}"
    taken = [sent(served, path, delivery=str(number)) for number in range(3)]
    again, wrong = sent(served, path, delivery="0"), sent(served, path, secret="x")
    page = httpx.get(f"http://127.0.0.1:{served.address[1]}/healthz", timeout=60, trust_env=False)
    assert [one.status_code for one in (*taken, again, wrong)] == [202, 202, 202, 200, 401]
    assert Delivery.objects.filter(result="accepted").count() == 3
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert {one.headers[name] for one in (*taken, again, wrong)} == {page.headers[name]}, name


def test_a_connection_that_was_removed_takes_nothing_more(served: Served, connection: Connection) -> None:
    path = f"/api/v1/webhooks/github/{connection.pk}"
    assert sent(served, path).status_code == 202
    connection.delete()
    gone = sent(served, path)
    body_bound._known.clear()
    later = sent(served, path)
    assert [(one.status_code, one.json()["error"]["code"]) for one in (gone, later)] == [
        (404, "unknown_connection")
    ] * 2
