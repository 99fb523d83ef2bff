"""Pull requests at code hosts, from the terminal."""

import json
import time
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

HEAD = "1a2b3c4d5e6f" + "0" * 28


@pytest.fixture
def shop(api: FakeApi) -> FakeApi:
    row = {
        "number": 7,
        "title": "Add a cart",
        "branch": "cart",
        "commit": HEAD,
        "draft": True,
        "merged": False,
        "from_fork": True,
        "labels": ["help wanted"],
        "withheld": "fork",
        "why_withheld": "it comes from a fork",
        "fix": "Approve it.",
    }
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /projects/01P/pulls"] = lambda _: (200, [row])
    api.routes["GET /projects/01P/pulls/7"] = lambda _: (200, row)
    return api


def test_pulls_says_what_each_is_and_why_it_gets_no_preview(cli: Any, shop: FakeApi) -> None:
    code, out, _ = cli("pulls", "shop")
    assert code == 0 and "#7" in out and "Add a cart  draft  from a fork  help wanted" in out
    assert "no preview: it comes from a fork. Approve it." in out
    assert f"seatrial approve shop 7 --commit {HEAD[:12]}" in out


def test_approve_names_the_commit(cli: Any, shop: FakeApi) -> None:
    sent: list[dict[str, Any]] = []
    shop.routes["POST /projects/01P/pulls/7/approve"] = lambda body: (sent.append(body), (200, {}))[1]
    code, out, _ = cli("approve", "shop", "7", "--commit", HEAD[:8].upper())
    assert code == 0 and HEAD[:12] in out and sent == [{"commit": HEAD}]


def test_approve_refuses_a_commit_that_is_not_the_newest(cli: Any, shop: FakeApi) -> None:
    code, _, err = cli("approve", "shop", "7", "--commit", "fffffff")
    assert code == 2 and "is at 1a2b3c4d5e6f, not at fffffff" in err
    assert "POST /projects/01P/pulls/7/approve" not in shop.asked


def test_a_project_or_a_preview_that_is_not_there_is_named(cli: Any, shop: FakeApi) -> None:
    code, _, err = cli("pulls", "boat")
    assert code == 2 and "there is no project boat" in err and "seatrial projects" in err
    shop.routes["GET /environments"] = lambda _: (200, [])
    code, _, err = cli("extend", "pr-1-boat")
    assert code == 2 and "there is no preview pr-1-boat" in err


def test_extend_says_when_it_ends_now(cli: Any, shop: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    shop.routes["POST /environments/01E/extend"] = lambda _: (
        200,
        {"name": "pr-7-shop", "expires_at": "2026-12-02T10:00:00Z"},
    )
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    code, out, _ = cli("extend", "pr-7-shop")
    assert code == 0 and "pr-7-shop ends on 2026-12-02 10:00 without" in out


def test_pin_sleep_and_wake_say_what_they_did(cli: Any, shop: FakeApi) -> None:
    shop.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    row = {"name": "pr-7-shop", "expires_at": "2026-12-02T10:00:00Z"}
    for order, said in (
        ("reset-data", "begins anew, with empty data"),
        ("pin", "does not expire"),
        ("unpin", "ends on"),
        ("sleep", "falls asleep"),
        ("wake", "is waking"),
    ):
        shop.routes[f"POST /environments/01E/{order}"] = lambda _: (200, row)
        code, out, _ = cli(order, "pr-7-shop")
        assert code == 0 and f"pr-7-shop {said}" in out
        code, out, _ = cli(order, "pr-7-shop", "--json")
        assert code == 0 and json.loads(out) == row


SNAPSHOT = {
    "id": "01J8Z3",
    "source": "pr-7-shop",
    "state": "saved",
    "problem": "",
    "reflinked": True,
    "for_forks": True,
    "agent": "local",
    "created_at": "2026-12-02T10:00:00Z",
    "removed": False,
}


def test_snapshots_are_saved_listed_and_removed(cli: Any, shop: FakeApi) -> None:
    sent: list[dict[str, Any]] = []
    shop.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    shop.routes["POST /environments/01E/save-data"] = lambda body: (sent.append(body), (200, SNAPSHOT))[1]
    code, out, _ = cli("save-data", "pr-7-shop", "--for-forks")
    assert code == 0 and "Saving the data of pr-7-shop: snapshot 01J8Z3" in out
    assert sent == [{"for_forks": True}]

    shop.routes["GET /projects/01P/snapshots"] = lambda _: (200, [])
    assert "seatrial save-data PREVIEW saves the data" in cli("snapshots", "shop")[1]
    broken = {**SNAPSHOT, "state": "failed", "problem": "there is no data to save"}
    shop.routes["GET /projects/01P/snapshots"] = lambda _: (
        200,
        [SNAPSHOT, {**SNAPSHOT, "removed": True}, broken],
    )
    lines = cli("snapshots", "shop")[1].splitlines()
    assert "saved" in lines[0] and "on local, reflinked, for forks too" in lines[0]
    assert "removed" in lines[1] and "failed" in lines[2] and "there is no data to save" in lines[2]

    shop.routes["DELETE /snapshots/01J8Z3"] = lambda _: (200, SNAPSHOT)
    code, out, _ = cli("remove-snapshot", "01J8Z3")
    assert code == 0 and "Removed: the data of pr-7-shop" in out
    for asked in (("save-data", "pr-7-shop"), ("snapshots", "shop"), ("remove-snapshot", "01J8Z3")):
        assert "01J8Z3" in json.dumps(json.loads(cli(*asked, "--json")[1]))
