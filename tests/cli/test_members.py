"""Members and invitations, from the terminal."""

import json
from typing import Any

from tests.cli.conftest import FakeApi, Shown

ROW = {
    "username": "dan",
    "workspace": "harbour",
    "role": "developer",
    "mapped": False,
    "by": "ada",
    "since": "2026-11-29T10:00:00Z",
    "active": True,
}
INVITATION = {
    "id": "01I",
    "account": "here:zoe",
    "workspace": "harbour",
    "role": "viewer",
    "by": "ada",
    "created_at": "2026-11-29T10:00:00Z",
    "expires_at": "2026-12-06T10:00:00Z",
    "accepted_at": None,
}
IN = ("--workspace", "harbour")


def test_members_are_listed_changed_and_removed(cli: Any, api: FakeApi) -> None:
    sent: list[Any] = []
    there = "/workspaces/harbour/members"
    api.routes[f"GET {there}"] = lambda _: (
        200,
        [ROW, {**ROW, "mapped": True, "since": None, "active": False}],
    )
    api.routes[f"PATCH {there}/dan"] = lambda body: (sent.append(body), (200, {**ROW, "role": "viewer"}))[1]
    api.routes[f"DELETE {there}/dan"] = lambda _: (200, ROW)
    code, out, _ = cli("members", "list", *IN)
    assert code == 0 and "dan" in out and "by ada" in out and "by AUTH_ROLE_MAP, closed" in out
    assert json.loads(cli("members", "list", *IN, "--json")[1])[0] == ROW
    code, out, _ = cli("members", "role", "dan", "viewer", *IN)
    assert code == 0 and "dan is viewer of harbour now" in out and sent == [{"role": "viewer"}]
    code, out, _ = cli("members", "remove", "dan", *IN)
    assert code == 0 and "dan is no member of harbour any more" in out


def test_somebody_is_invited_and_answers(cli: Any, api: FakeApi) -> None:
    sent: list[Any] = []
    made = "/workspaces/harbour/invitations"
    api.routes[f"POST {made}"] = lambda body: (sent.append(body), (200, INVITATION))[1]
    api.routes[f"GET {made}"] = lambda _: (200, [{**INVITATION, "accepted_at": "2026-11-30T10:00:00Z"}])
    api.routes[f"DELETE {made}/01I"] = lambda _: (200, INVITATION)
    api.routes["GET /invitations"] = lambda _: (200, [INVITATION])
    api.routes["POST /invitations/01I/accept"] = lambda _: (200, INVITATION)
    api.routes["POST /invitations/01I/decline"] = lambda _: (200, INVITATION)
    code, out, _ = cli("members", "add", "zoe", "--role", "viewer", *IN)
    assert code == 0 and "here:zoe has until" in out and sent == [{"account": "zoe", "role": "viewer"}]
    assert "01I" in cli("members", "invitations")[1]
    assert "accepted" in cli("members", "invitations", *IN)[1]
    assert "You are viewer of harbour now" in cli("members", "accept", "01I")[1]
    assert "declined the invitation to harbour" in cli("members", "decline", "01I")[1]
    assert json.loads(cli("members", "revoke", "01I", *IN, "--json")[1]) == INVITATION


def test_one_sees_where_one_is_a_member_and_leaves(cli: Any, api: FakeApi) -> None:
    api.routes["GET /memberships"] = lambda _: (200, [ROW])
    api.routes["DELETE /memberships/harbour"] = lambda _: (200, ROW)
    assert "developer  harbour" in " ".join(cli("members", "mine")[1].split(" "))
    assert "You have left harbour" in cli("members", "leave", *IN)[1]


def test_what_others_wrote_is_shown_and_never_obeyed(shown: Shown, api: FakeApi, attack: str) -> None:
    api.held_to_contract = False
    row = dict.fromkeys(ROW, attack)
    invitation = {**dict.fromkeys(INVITATION, attack), "accepted_at": None}
    api.routes["GET /workspaces/harbour/members"] = lambda _: (200, [row, {**row, "mapped": False}])
    api.routes["GET /memberships"] = lambda _: (200, [row])
    api.routes["GET /invitations"] = lambda _: (200, [invitation])
    api.routes["POST /workspaces/harbour/invitations"] = lambda _: (200, invitation)
    api.routes["POST /invitations/01I/accept"] = lambda _: (200, invitation)
    api.routes["DELETE /workspaces/harbour/members/dan"] = lambda _: (200, row)
    shown("members", "list", *IN)
    shown("members", "mine")
    shown("members", "invitations")
    shown("members", "add", "zoe", *IN)
    shown("members", "accept", "01I")
    shown("members", "remove", "dan", *IN)
