"""Waivers, from the terminal."""

import json
import time
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

ROW = {
    "id": "01W",
    "project": "01P",
    "project_name": "Shop",
    "policy": "no-secrets",
    "version": 2,
    "path": "vendor",
    "fingerprint": "",
    "reason": "a key for tests",
    "state": "requested",
    "requested_by": "dana",
    "expires_at": "2026-12-02T10:00:00Z",
    "note": "",
    "page_url": "http://s/waivers/01W",
}


@pytest.fixture
def shop(api: FakeApi) -> FakeApi:
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /waivers"] = lambda _: (200, [ROW])
    return api


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_the_list_says_what_waits_and_until_when(cli: Any, shop: FakeApi) -> None:
    code, out, _ = cli("waivers", "list")
    assert code == 0 and "01W  requested  no-secrets in Shop: vendor" in out
    assert "a key for tests  dana, until 2026-12-02 10:00" in out
    code, out, _ = cli("waivers", "list", "--json")
    assert code == 0 and json.loads(out) == [ROW]


def test_an_empty_list_says_where_the_others_are(cli: Any, shop: FakeApi) -> None:
    shop.routes["GET /waivers"] = lambda _: (200, [])
    code, out, _ = cli("waivers", "list", "--state", "expired")
    assert code == 0 and "There is no such waiver." in out and "seatrial waivers list --state any" in out
    code, _, err = cli("waivers", "list", "--state", "expird")
    assert code == 2 and "there is no state expird" in err and "expired" in err


def test_a_request_says_who_decides(cli: Any, shop: FakeApi) -> None:
    sent: list[dict[str, Any]] = []
    shop.routes["POST /projects/01P/waivers"] = lambda body: (sent.append(body), (200, ROW))[1]
    words = ("shop", "no-secrets", "--reason", "a key for tests", "--path", "vendor", "--days", "7")
    code, out, _ = cli("waivers", "request", *words)
    assert code == 0 and "seatrial waivers approve 01W, or http://s/waivers/01W" in out
    assert sent == [
        {"policy": "no-secrets", "reason": "a key for tests", "path": "vendor", "fingerprint": "", "days": 7}
    ]
    assert json.loads(cli("waivers", "request", *words, "--json")[1]) == ROW


def test_a_request_needs_a_reason_and_a_project_that_is_there(cli: Any, shop: FakeApi) -> None:
    code, _, err = cli("waivers", "request", "shop", "no-secrets")
    assert code == 2 and "--reason" in err
    code, _, err = cli("waivers", "request", "boat", "no-secrets", "--reason", "x")
    assert code == 2 and "there is no project boat" in err


@pytest.mark.parametrize(
    ("what", "state"), [("approve", "approved"), ("reject", "rejected"), ("withdraw", "withdrawn")]
)
def test_a_decision_shows_what_it_is_now(cli: Any, shop: FakeApi, what: str, state: str) -> None:
    sent: list[dict[str, Any]] = []
    decided = {**ROW, "state": state, "note": "well"}
    shop.routes[f"POST /waivers/01W/{what}"] = lambda body: (sent.append(body), (200, decided))[1]
    code, out, _ = cli("waivers", what, "01W", "--note", "well")
    assert code == 0 and f"01W  {state}" in out and sent == [{"note": "well"}]
    assert json.loads(cli("waivers", what, "01W", "--json")[1])["state"] == state


def test_a_refusal_is_said_in_the_platforms_words(cli: Any, shop: FakeApi) -> None:
    refused = {
        "error": {"code": "own_request", "message": "You asked for this waiver: somebody else decides."}
    }
    shop.routes["POST /waivers/01W/approve"] = lambda _: (403, refused)
    code, _, err = cli("waivers", "approve", "01W")
    assert code == 2 and "somebody else decides" in err
