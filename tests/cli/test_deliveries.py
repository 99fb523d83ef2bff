"""`seatrial deliveries`: list, show, replay, test; and what `status` says of drift."""

import json
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

AT = "2026-01-01T00:00:00+00:00"
ROW = {
    "id": "01D", "delivery_id": "guid-1", "event": "pull_request", "result": "accepted", "outcome": "deployment 01E",
    "repository": "acme/shop", "number": 7, "fetched": False, "received_at": AT, "handled_at": AT, "fix": "",
}  # fmt: skip
REJECTED = {
    **ROW, "id": "01R", "result": "rejected (signature)", "outcome": "it does not match", "repository": "", "number": None,
    "fix": "Rotate it.",
}  # fmt: skip
KEPT = {"webhook_secret": True, "account": None}
CONNECTION = {"id": "01C", "forge": "github", "name": "acme", "base_url": "https://github.com", **KEPT}
LOCAL = {"id": "01L", "forge": "local", "name": "here", "base_url": "", **KEPT}


@pytest.fixture(autouse=True)
def connections(api: FakeApi) -> None:
    api.routes["GET /connections"] = lambda _: (200, [CONNECTION, LOCAL])


def test_they_are_listed_with_what_they_were_about(cli: Any, api: FakeApi) -> None:
    api.routes["GET /deliveries"] = lambda _: (200, [ROW, REJECTED])
    code, out, _ = cli("deliveries", "list", "--search", "shop", "--connection", "acme", "--limit", "5")
    assert code == 0 and "acme/shop#7" in out and "rejected (signature): it does not match" in out
    assert [line[0] for line in out.splitlines()] == ["✓", "✗"]
    assert json.loads(cli("deliveries", "list", "--json")[1]) == [ROW, REJECTED]
    api.routes["GET /deliveries"] = lambda _: (200, [])
    assert "deliveries test" in cli("deliveries", "list")[1]


def test_one_is_shown_with_its_fix_and_its_attempts(cli: Any, api: FakeApi) -> None:
    tries = [
        {"at": AT, "failed": True, "outcome": "no space", "by": ""},
        {"at": AT, "failed": False, "outcome": "deployment 01E", "by": "ada"},
    ]
    whole = {**REJECTED, "headers": {"X-GitHub-Event": "push"}, "payload": "{}", "tries": tries}
    api.routes["GET /deliveries/01R"] = lambda _: (200, whole)
    code, out, _ = cli("deliveries", "show", "01R")
    assert code == 0
    for said in ("guid-1", "! Rotate it.", "replayed by ada", "X-GitHub-Event: push", "no space"):
        assert said in out, said
    assert cli("deliveries", "show", "01N")[0] != 0


def test_a_replay_says_where_to_look_and_a_refusal_why(cli: Any, api: FakeApi) -> None:
    api.routes["POST /deliveries/01D/replay"] = lambda _: (200, ROW)
    code, out, _ = cli("deliveries", "replay", "01D")
    assert code == 0 and "deliveries show 01D" in out
    refusal = {"error": {"code": "not_replayable", "message": "It cannot be replayed"}}
    api.routes["POST /deliveries/01D/replay"] = lambda _: (409, refusal)
    code, _, err = cli("deliveries", "replay", "01D")
    assert code != 0 and "It cannot be replayed" in err


@pytest.mark.parametrize(
    ("tried", "code", "said"),
    [
        ({"delivery": "01D", "result": "accepted", "problem": ""}, 0, "it came: accepted"),
        ({"delivery": "01D", "result": "rejected (signature)", "problem": "Rotate it."}, 1, "! Rotate it."),
        ({"delivery": "", "result": "", "problem": "Nothing came."}, 1, "! Nothing came."),
    ],
)
def test_a_test_says_what_came(cli: Any, api: FakeApi, tried: dict[str, str], code: int, said: str) -> None:
    answer = {"login": "bot", "webhook": {"sender": "GitHub", **tried}}
    api.routes["POST /connections/01C/test"] = lambda _: (200, answer)
    api.routes["POST /connections/01L/test"] = lambda _: (200, answer)
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    for words in ((), ("--connection", "here"), ("--project", "shop"), ("--json",)):
        ended, out, _ = cli("deliveries", "test", *words)
        assert ended == code and (said in out or json.loads(out) == answer), words
    assert api.asked.count("POST /connections/01L/test") == 1


def test_a_change_without_a_webhook_is_pointed_out(cli: Any, api: FakeApi) -> None:
    amount = {"memory_mb": 0, "cpus": 0}
    project = {
        "name": "shop",
        "drift": 3,
        "used": amount,
        "total": amount,
        "environments": [],
        "evaluations": [],
    }
    platform = {
        "url": "http://x",
        "ingress_port": 8080,
        "runtime": "docker",
        "sandbox": "runsc",
        "waits_for": "",
    }
    counts = {"running": 0, "in_progress": 0, "failed": 0}
    whole = {"platform": platform, "agents": [], "projects": [project], "previews": counts}
    api.routes["GET /status"] = lambda _: (200, whole)
    assert "! 3 changes in the last hour came without a webhook" in cli("status")[1]
