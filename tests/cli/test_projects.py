"""`seatrial projects set`, `archive`, `restore` and `remove`."""

import io
import json
import sys
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

SHOP = {"id": "01P", "slug": "shop", "name": "Shop", "forge": "github", "web_url": ""}


@pytest.fixture
def rows(api: FakeApi) -> list[dict[str, Any]]:
    rows = [SHOP, {**SHOP, "id": "01D", "slug": "docs"}]
    api.routes["GET /projects"] = lambda _: (200, rows)
    for operation in ("PATCH /projects/01P", "POST /projects/01P/archive", "POST /projects/01P/restore"):
        api.routes[operation] = lambda _: (200, SHOP)
    api.routes["DELETE /projects/01P"] = lambda _: (202, SHOP)
    return rows


def test_only_what_was_named_is_changed(cli: Any, api: FakeApi, rows: list[dict[str, Any]]) -> None:
    sent: list[dict[str, Any]] = []
    api.routes["PATCH /projects/01P"] = lambda body: (sent.append(body), (200, SHOP))[1]
    code, out, _ = cli(
        "projects",
        "set",
        "shop",
        "--ttl-hours",
        "24",
        "--no-previews",
        "--forks",
        "--pause-after",
        "30",
        "--stop-after",
        "0",
    )
    assert code == 0 and "Shop" in out
    assert sent == [
        {
            "ttl_hours": 24,
            "pause_minutes": 30,
            "stop_minutes": 0,
            "previews_enabled": False,
            "previews_of_forks": True,
        }
    ]
    code, _, err = cli("projects", "set", "shop")
    assert code != 0 and "nothing to change" in err and len(sent) == 1
    assert cli("projects", "set", "shop", "--no-tunnels", "--fork-tunnels")[0] == 0
    assert sent[1] == {"tunnels_allowed": False, "tunnels_of_forks": True}


def test_switching_the_callback_host_on_prints_what_to_register(
    cli: Any, api: FakeApi, rows: list[dict[str, Any]]
) -> None:
    url = "https://callback-shop-3v69t4pqshxf74qb.preview.example.com"
    api.routes["PATCH /projects/01P"] = lambda body: (200, {**SHOP, **body, "callback_url": url})
    code, out, _ = cli("projects", "set", "shop", "--callbacks")
    assert code == 0 and url in out
    assert url not in cli("projects", "set", "shop", "--no-callbacks")[1]


def test_a_quota_is_written_as_people_write_sizes(cli: Any, api: FakeApi, rows: list[dict[str, Any]]) -> None:
    sent: list[dict[str, Any]] = []
    api.routes["PATCH /projects/01P"] = lambda body: (sent.append(body), (200, SHOP))[1]
    words = ("--max-previews", "5", "--max-cpus", "8", "--max-memory", "20g")
    assert cli("projects", "set", "shop", *words)[0] == 0
    assert sent == [{"max_previews": 5, "max_cpus": 8.0, "max_memory_mb": 20_480}]
    code, _, err = cli("projects", "set", "shop", "--max-memory", "plenty")
    assert code != 0 and "Write it like 512m or 20g" in err and len(sent) == 1


def test_a_project_is_archived_and_the_way_back_is_named(
    cli: Any, api: FakeApi, rows: list[dict[str, Any]]
) -> None:
    code, out, _ = cli("projects", "archive", "01P")
    assert code == 0 and "projects restore shop" in out
    assert cli("projects", "restore", "shop")[0] == 0
    assert json.loads(cli("projects", "archive", "shop", "--json")[1]) == SHOP


def test_a_removal_must_be_confirmed(
    cli: Any, api: FakeApi, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("shop\n"))
    code, _, err = cli("projects", "remove", "shop")
    assert code != 0 and "--confirm shop" in err and "DELETE /projects/01P" not in api.asked
    code, out, _ = cli("projects", "remove", "shop", "--confirm", "shop")
    assert code == 0 and "projects restore shop" in out and "DELETE /projects/01P" in api.asked


def test_what_the_platform_refuses_is_said(cli: Any, api: FakeApi, rows: list[dict[str, Any]]) -> None:
    refusal = {"error": {"code": "wrong_name", "message": "Nothing was removed."}}
    api.routes["DELETE /projects/01P"] = lambda _: (400, refusal)
    code, _, err = cli("projects", "remove", "shop", "--confirm", "other")
    assert code != 0 and "Nothing was removed" in err


def test_the_project_must_be_one(cli: Any, api: FakeApi, rows: list[dict[str, Any]]) -> None:
    code, _, err = cli("projects", "archive", "none")
    assert code != 0 and "there is no project none" in err
    rows.append({**SHOP, "id": "01X"})
    code, _, err = cli("projects", "archive", "shop")
    assert code != 0 and "01P, 01X" in err
