"""Tokens, from the terminal."""

import json
from typing import Any

from tests.cli.conftest import FakeApi, Shown

ROW = {
    "id": "01T",
    "name": "assistant",
    "prefix": "sea_abcd",
    "scopes": ["read", "policies:run"],
    "created_at": "2026-11-29T10:00:00Z",
    "expires_at": "2026-12-29T10:00:00Z",
    "last_used_at": None,
}


def test_a_token_is_made_printed_once_listed_and_revoked(cli: Any, api: FakeApi) -> None:
    sent: list[dict[str, Any]] = []
    api.routes["GET /tokens"] = lambda _: (200, [ROW, {**ROW, "scopes": [], "expires_at": None}])
    api.routes["POST /tokens"] = lambda body: (sent.append(body), (200, {**ROW, "token": "sea_abcdef"}))[1]
    api.routes["DELETE /tokens/01T"] = lambda _: (200, ROW)
    words = ("tokens", "create", "assistant", "--scope", "read", "--scope", "policies:run", "--days", "30")
    code, out, _ = cli(*words)
    assert code == 0 and out.splitlines()[0] == "sea_abcdef" and "seatrial tokens revoke 01T" in out
    assert sent == [{"name": "assistant", "scopes": ["read", "policies:run"], "days": 30}]
    assert json.loads(cli(*words, "--json")[1])["token"] == "sea_abcdef"
    code, out, _ = cli("tokens", "list")
    assert code == 0 and "read, policies:run" in out and "for ever: everything that you may" in out
    assert json.loads(cli("tokens", "list", "--json")[1])[0] == ROW
    code, out, _ = cli("tokens", "revoke", "01T")
    assert code == 0 and "assistant is revoked" in out


def test_a_token_needs_scopes_and_an_end(cli: Any, api: FakeApi) -> None:
    code, _, err = cli("tokens", "create", "assistant")
    assert code == 2 and "--scope" in err
    code, _, err = cli("tokens", "create", "assistant", "--scope", "read", "--days", "0")
    assert code == 2 and "--days" in err


def test_what_others_wrote_is_shown_and_never_obeyed(shown: Shown, api: FakeApi, attack: str) -> None:
    api.held_to_contract = False
    row = {"id": attack, "name": attack, "prefix": attack, "scopes": [attack], "expires_at": attack}
    api.routes["GET /tokens"] = lambda _: (200, [row, {**row, "scopes": [], "expires_at": None}])
    api.routes["POST /tokens"] = lambda _: (200, {**row, "token": attack})
    api.routes["DELETE /tokens/01T"] = lambda _: (200, row)
    shown("tokens", "list")
    shown("tokens", "create", "assistant", "--scope", "read")
    shown("tokens", "revoke", "01T")
