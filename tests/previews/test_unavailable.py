"""If no preview answers, a visitor sees the state and nothing more."""

import base64
import hashlib
import re

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services as previews
from tests.dashboard.harbour import Harbour


def page(host: str) -> tuple[int, str, str]:
    answer = Client().get("/preview-unavailable", {"host": host})
    return answer.status_code, answer.content.decode(), answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("attribute", "status", "words", "refreshes"),
    [
        ("building", 503, "The preview is being built", True),
        ("failed", 503, "The preview failed", True),
        ("live", 503, "The preview does not answer", True),
        ("stopped", 404, "The preview is stopped", False),
    ],
)
def test_each_state_has_its_page(
    harbour: Harbour, attribute: str, status: int, words: str, refreshes: bool
) -> None:
    environment = getattr(harbour, attribute)
    for host in (f"{environment.name}.preview.localhost", f"api-{environment.name}.preview.localhost:8080"):
        code, html, _ = page(host)
        assert code == status
        assert words in html
        assert ('http-equiv="refresh"' in html) is refreshes


def test_one_that_may_come_back_says_only_that_it_is_stopped_and_looks_again(harbour: Harbour) -> None:
    previews.stop(harbour.live, by=Actor.person("alice"))
    code, html, _ = page(f"{harbour.live.name}.preview.localhost")
    assert code == 503 and "The preview is stopped" in html and 'http-equiv="refresh"' in html
    assert "alice" not in html and "undo" not in html.lower()


def test_strangers_learn_the_state_and_nothing_more(harbour: Harbour) -> None:
    _, html, _ = page(f"{harbour.failed.name}.preview.localhost")
    for secret in ("9200", "Move the search", "dina", harbour.failed.pull_request.head_sha[:10]):
        assert secret not in html


def test_an_unknown_host_is_not_found(harbour: Harbour) -> None:
    code, html, _ = page("pr-99-nothing.preview.localhost")
    assert code == 404
    assert "There is no preview here" in html


def test_the_host_may_come_in_a_header(harbour: Harbour) -> None:
    answer = Client().get(
        "/preview-unavailable?host=the-visitors-own-query",
        headers={"X-Forwarded-Host": f"{harbour.building.name}.preview.localhost"},
    )
    assert answer.status_code == 503
    assert answer["Retry-After"] == "3"


def test_whatever_a_visitor_brings_no_cookie_is_set(harbour: Harbour) -> None:
    """The preview's own cookies come along, and may be called as ours are."""
    client = Client()
    client.cookies["sessionid"], client.cookies["csrftoken"] = "a" * 32, "b" * 32
    answer = client.get("/preview-unavailable", headers={"X-Forwarded-Host": "pr-99-x.preview.localhost"})
    assert answer.status_code == 404 and not answer.cookies


def test_any_method_gets_the_page(harbour: Harbour) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/preview-unavailable?host=pr-99-x.preview.localhost", {"a": "b"}).status_code == 404


def test_a_host_that_tries_markup_is_escaped(harbour: Harbour) -> None:
    assert "<b>" not in page("<b>x")[1]


def test_only_its_own_style_is_allowed(harbour: Harbour) -> None:
    _, html, policy = page("pr-99-x.preview.localhost")
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
