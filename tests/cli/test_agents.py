"""`seatrial agents`: what is shown, what is asked of the platform, how it ends; also with text that attacks."""

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.cli import waiting
from tests.cli.conftest import FakeApi, Shown

Cli = Callable[..., tuple[int, str, str]]
LISTED = {
    "id": "01A",
    "name": "dock",
    "state": "online",
    "release": "1.4.0",
    "registered_at": "2026-12-01T00:00:00Z",
    "last_heartbeat_at": "2026-12-01T00:00:00Z",
    "heartbeat": {},
}
SHOP = {"id": "01E", "name": "pr-1-shop", "state": "running", "page_url": "http://x", "to": ""}
SHOP |= {"step": "stays", "reason": "the data of db is here"}
TILL = {**SHOP, "id": "01F", "name": "pr-1-till", "step": "moving", "reason": "has room", "to": "pier"}


def full(*residents: dict[str, str], **fields: Any) -> dict[str, Any]:
    ahead = sum(one["step"] != "stays" for one in residents)
    row = {"draining_since": None, "revoked_at": None, "removed_at": None, "away": "", "skew_seconds": 0.0}
    row |= {"host": [], "warnings": [], "residents": list(residents), "hidden": 0, "ahead": ahead}
    return {**LISTED, **row, **fields}


def always(answer: Any) -> Any:
    return lambda _: (200, answer)


@pytest.fixture(autouse=True)
def fleet(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    api.routes["GET /agents"] = always([LISTED])


def test_they_are_listed_and_one_is_shown_with_what_must_be_right(cli: Cli, api: FakeApi) -> None:
    code, out, _ = cli("agents", "list")
    assert code == 0 and "dock  online · heard 2026-" in out
    assert json.loads(cli("agents", "list", "--json")[1]) == [LISTED]
    wrong = {"about": "release", "well": False, "text": "far behind", "fix": "Upgrade it\nso", "grave": False}
    api.routes["GET /agents/01A"] = always(full(SHOP, TILL, host=[wrong], away="It went silent", hidden=2))
    code, out, _ = cli("agents", "show", "dock")
    for said in ("release 1.4.0", "It went silent", "far behind", "Upgrade it", "2 previews of other"):
        assert said in out
    assert "pr-1-shop  stays  the data of db is here" in out and "pr-1-till  moving to pier" in out
    assert json.loads(cli("agents", "show", "01A", "--json")[1])["residents"] == [SHOP, TILL]
    code, _, err = cli("agents", "show", "nobody")
    assert code == 2 and "there is no agent nobody" in err and "seatrial agents list" in err


def test_draining_waits_until_what_moves_has_moved_and_says_what_stays(cli: Cli, api: FakeApi) -> None:
    drains = {"state": "draining", "draining_since": "2026-12-01T00:00:00Z"}
    looks = iter([full(SHOP, TILL, **drains), full(SHOP, {**TILL, "step": "leaving"}, **drains)])
    done = full(SHOP, **drains)
    api.routes["POST /agents/01A/drain"] = always(full(SHOP, TILL, **drains))
    api.routes["GET /agents/01A"] = lambda _: (200, next(looks, done))
    code, out, _ = cli("agents", "drain", "dock", "--wait")
    assert code == 0 and "✓ pr-1-till" in out and "pr-1-shop  stays  the data of db is here" in out
    assert "seatrial agents undrain dock" in out
    code, out, err = cli("agents", "drain", "dock", "--wait", "--json")
    assert (code, err, json.loads(out)) == (0, "", done)
    before = api.asked.count("GET /agents/01A")
    assert "pr-1-till  moving to pier" in cli("agents", "drain", "dock")[1]
    assert api.asked.count("GET /agents/01A") == before, "without --wait it only begins"


def test_the_rest_is_asked_of_the_platform(cli: Cli, api: FakeApi) -> None:
    api.routes["POST /agents"] = always({"name": "pier", "token": "galley_x"})
    api.routes["POST /agents/01A/undrain"] = always(full())
    assert cli("agents", "invite", "pier")[1].startswith("GALLEY_AGENT_TOKEN=galley_x\n")
    assert json.loads(cli("agents", "invite", "pier", "--json")[1])["token"] == "galley_x"
    assert "dock takes new previews again" in cli("agents", "undrain", "dock")[1]
    assert json.loads(cli("agents", "undrain", "dock", "--json")[1])["name"] == "dock"
    api.routes["GET /agents"] = always([])
    assert "seatrial agents invite NAME" in cli("agents", "list")[1]


@pytest.mark.parametrize(
    ("order", "route"), [("revoke", "POST /agents/01A/revoke"), ("remove", "DELETE /agents/01A")]
)
def test_what_cannot_be_undone_takes_its_name(
    cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch, order: str, route: str
) -> None:
    api.routes[route] = always(LISTED if order == "revoke" else full())
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, _, err = cli("agents", order, "dock")
    assert code == 2 and f"seatrial agents {order} dock --confirm dock" in err
    code, _, err = cli("agents", order, "dock", "--confirm", "pier")
    assert code == 2 and "nothing was done" in err and route not in api.asked
    code, out, _ = cli("agents", order, "dock", "--confirm", "dock")
    assert code == 0 and f"dock is {order}d" in out and route in api.asked
    assert json.loads(cli("agents", order, "dock", "--confirm", "dock", "--json")[1])["id"] == "01A"


def test_text_of_others_is_shown_and_never_obeyed(
    shown: Shown, api: FakeApi, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    others = {**TILL, "name": attack, "reason": attack, "to": attack, "step": attack}
    line = {"about": attack, "well": False, "text": attack, "fix": attack, "grave": True}
    row = full(others, host=[line], warnings=[attack], away=attack, name=attack, state=attack, release=attack)
    api.routes["GET /agents"] = always([{**LISTED, "name": attack, "state": attack}])
    api.routes["GET /agents/01A"] = always(row)
    api.routes["POST /agents/01A/drain"] = api.routes["POST /agents/01A/undrain"] = always(row)
    api.routes["POST /agents"] = always({"name": attack, "token": attack})
    shown("agents", "list")
    shown("agents", "show", "01A")
    shown("agents", "drain", "01A", "--wait")
    shown("agents", "undrain", "01A")
    shown("agents", "invite", "pier")
