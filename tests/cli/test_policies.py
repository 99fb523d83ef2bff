"""What a workspace permits to its policies, from the terminal."""

import json
import time
from typing import Any

import pytest

from seatrial.cli.terminal import Terminal
from seatrial.cli.verdicts import print_evaluation
from tests.cli.conftest import FakeApi

ROW = {
    "workspace": "harbour",
    "permitted": True,
    "permitted_by": "dana",
    "permitted_at": "2026-12-02T10:00:00Z",
    "asking": ["names-resolve"],
}
FORBIDDEN = {**ROW, "permitted": False, "permitted_by": "", "permitted_at": None}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_the_network_is_shown_permitted_and_forbidden(cli: Any, api: FakeApi) -> None:
    sent: list[Any] = []
    address = "/workspaces/harbour/network"
    api.routes[f"GET {address}"] = lambda _: (200, FORBIDDEN)
    api.routes[f"PATCH {address}"] = lambda body: (sent.append(body), (200, ROW))[1]
    code, out, _ = cli("policies", "network", "--workspace", "harbour")
    assert code == 0 and "network for policies of harbour: not permitted" in out
    assert (
        "seatrial policies network --workspace harbour --permit" in out
        and "asked for by names-resolve" in out
    )
    code, out, _ = cli("policies", "network", "--permit", "--workspace", "harbour")
    assert code == 0 and "by dana, 2026-12-02 10:00" in out
    code, out, _ = cli("policies", "network", "--forbid", "--workspace", "harbour", "--json")
    assert code == 0 and json.loads(out) == ROW
    assert sent == [{"permitted": True}, {"permitted": False}]


def test_a_workspace_that_is_not_there_is_said(cli: Any, api: FakeApi) -> None:
    api.routes["GET /workspaces/no/network"] = lambda _: (
        404, {"error": {"code": "not_found", "message": "You are in no workspace no."}},
    )  # fmt: skip
    code, _, err = cli("policies", "network", "--workspace", "no")
    assert code == 2 and "You are in no workspace no." in err


def test_a_verdict_says_what_ran_with_the_network(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "name": "Names resolve",
        "state": "passed",
        "score": 100.0,
        "message": "All do.",
        "network": "policies",
    }
    other = {**row, "name": "Has readme", "network": ""}
    print_evaluation(Terminal(), {"state": "passed", "results": [row, other]})
    lines = [line for line in capsys.readouterr().out.splitlines() if "ran with network" in line]
    assert len(lines) == 1 and "Names resolve" in lines[0] and "ran with network (policies)" in lines[0]
