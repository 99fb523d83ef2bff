"""The log of a preview by REST, and the page that searches it, on a real bus."""

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from django.utils.safestring import SafeString

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.previews.kept_lines import Line
from seatrial.control.previews.pages.searching import Hit
from seatrial.wire.envelope import now
from seatrial.wire.words import SYSTEM_SERVICE, LogSource, LogStream
from tests.bus.servers import NatsServer
from tests.dashboard.server import cookies_of

if TYPE_CHECKING:
    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.nats, pytest.mark.postgres]


@contextlib.contextmanager
def speaking_as(base: str, name: str) -> Iterator[httpx.Client]:
    token = tokens.issue(User.objects.get(username=name), "reader", by=SYSTEM)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{base}/api/v1", headers=headers, verify=False, timeout=60) as client:
        yield client


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line]


def test_lines_are_chosen_searched_and_bounded(bus: NatsServer, served: str, busy: "Harbour") -> None:
    from tests.dashboard.lines import say

    environment = busy.live
    say(environment, "web", "an old line", at=now() - timedelta(hours=1))
    say(environment, "web", "\x1b[32mListening\x1b[0m on 80", "second", "\x1b[2Kthird")
    say(environment, "api", "listening too")
    path = f"/environments/{environment.pk}/log"
    with speaking_as(served, "bob") as bob:
        answer = bob.get(path, params={"service": "web", "since_seconds": 600})
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        found = rows(answer.text)
        assert [row.get("text") for row in found] == ["Listening on 80", "second", r"\x1b[2Kthird", None]
        assert found[-1] == {"end": "complete"}
        assert found[0]["deployment"] == environment.live.pk
        found = rows(bob.get(path, params={"search": "LISTENING", "newest": 1}).text)
        assert [row.get("service") for row in found] == ["api", None]
        assert rows(bob.get(path, params={"deployment": "other"}).text) == [{"end": "complete"}]
        file = bob.get(path, params={"form": "text", "search": "third"})
        assert file.headers["Content-Disposition"] == 'attachment; filename="pr-1-chandlery.log"'
        assert file.text.endswith("web service \\x1b[2Kthird\n") and file.text.count("\n") == 1
        assert bob.get(path, params={"newest": 10_001}).status_code == 422
        _follow(bob, path, environment)
    with speaking_as(served, "charlie") as charlie:
        assert charlie.get(path).status_code == 404
    _page(served, environment)


def _follow(bob: httpx.Client, path: str, environment: Any) -> None:
    """New lines come, and none any more once the token is revoked."""
    from tests.dashboard.lines import say

    with bob.stream("GET", path, params={"follow": "true", "service": "api"}) as answer:
        lines = (json.loads(line) for line in answer.iter_lines() if line)
        assert next(lines)["text"] == "listening too"
        say(environment, "api", "a new line")
        assert next(lines)["text"] == "a new line"
        ApiToken.objects.all().delete()
        assert list(lines) == [{"end": "cut_off"}]


def _page(served: str, environment: Any) -> None:
    address = f"/environments/{environment.pk}/search"
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        page = bob.get(address, params={"search": "<LISTENING"}).text
        assert "No line that is kept has" in page and "&lt;LISTENING" in page
        page = bob.get(address, params={"search": "listening"}).text
        assert page.count("<mark>") == 2 and "<mark>Listening</mark> on 80" in page
        assert page.count('id="line-') == 2
        assert "Find a line" in bob.get(address).text
    with contextlib.closing(cookies_of(served, "charlie")) as charlie:
        assert charlie.get(address).status_code == 404


@pytest.mark.parametrize(("service", "by"), [(SYSTEM_SERVICE, "deployment"), ("web", "web")])
def test_a_hit_is_called_as_in_the_log_of_the_preview(service: str, by: str) -> None:
    line = Line("2026-11-30T12:00:00Z", "01D", service, LogSource.SERVICE, LogStream.STDOUT, "hello")
    assert Hit("line-1", line, SafeString("hello")).by == by
