"""`seatrial keys`: list, rotate, re-wrap, verify, forget."""

import json
from typing import Any

import pytest

from seatrial.cli import waiting
from seatrial.embedded import rotating, secrets
from seatrial.embedded.layout import DataDirectory
from tests.cli.conftest import FakeApi

KIND = {
    "kind": "webhook_secret", "name": "Webhook secrets", "purpose": "Code hosts sign with them", "how": "Rotate", "command": "POST",
    "page": "/connections", "count": 2, "rotated_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
LOST = {"what": "The variable TOKEN", "how": "Set it again.", "page": ""}
VERIFIED = {"opened": 3, "failed": 0, "closed": []}


class Server:
    """Answers as a server that reads its keys from the data directory, and re-wraps at once."""

    def __init__(self, api: FakeApi, data: DataDirectory) -> None:
        secrets.ensure(data)
        self.data, self.behind, self.failed = data, 0, 0
        self.sealing = rotating.key_id(data.master_key)
        self.reads = True
        api.routes |= {
            "GET /keys": lambda _: (200, {"master_key": self.state(), "keys": [KIND], "lost": [LOST]}),
            "POST /keys/master-key/rewrap": self.rewrap,
            "POST /keys/master-key/verify": self.verify,
            "POST /keys/signing-key/rotate": lambda _: (200, {"key_id": "ab" * 32}),
        }

    def state(self) -> dict[str, Any]:
        newest = rotating.key_id(self.data.master_key) if self.reads else self.sealing
        former = self.data.former(self.data.master_key).read_text().strip()
        behind, self.behind = self.behind, max(0, self.behind - 1)
        return {
            "newest": newest, "sealing": self.sealing, "fallbacks": ["ab" * 8] if former else [], "rewrapped": 3, "behind": behind,
            "unknown": 1, "complete": False,
        }  # fmt: skip

    def rewrap(self, _: object) -> tuple[int, Any]:
        self.sealing, self.behind = rotating.key_id(self.data.master_key), 2
        return 200, self.state()

    def verify(self, _: object) -> tuple[int, Any]:
        closed = {"column": "projects.Variable.value", "row": "01V", "reason": "variable of 01V: damaged."}
        return 200, {**VERIFIED, "failed": self.failed, "closed": [closed] * self.failed}


@pytest.fixture
def server(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Server:
    import os

    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.0)
    return Server(api, DataDirectory.from_environment(os.environ))


def test_they_are_listed_with_what_is_lost(cli: Any, server: Server) -> None:
    code, out, _ = cli("keys", "list")
    assert code == 0 and "Webhook secrets (2)" in out and "lost: The variable TOKEN" in out
    assert json.loads(cli("keys", "list", "--json")[1])["keys"] == [KIND]
    rotating.replace(server.data, server.data.master_key, "22" * 32)
    assert "keys rewrap" in cli("keys", "list")[1]


def test_the_master_key_is_rotated_and_each_time_another_one(cli: Any, server: Server, api: FakeApi) -> None:
    keys = {server.data.master_key.read_text()}
    for _ in range(2):
        code, out, _ = cli("keys", "rotate", "master-key")
        assert code == 0 and "opens 3 stored secrets" in out and "backups from before need them" in out
        keys.add(server.data.master_key.read_text())
    assert len(keys) == 3 and not any(key.strip() in out for key in keys)
    assert api.asked[-1] == "POST /keys/master-key/verify"
    assert json.loads(cli("keys", "rotate", "master-key", "--json")[1]) == VERIFIED


def test_one_that_was_interrupted_goes_on_with_the_same_key(cli: Any, server: Server) -> None:
    rotating.replace(server.data, server.data.master_key, "22" * 32)
    assert cli("keys", "rotate", "master-key")[0] == 0
    assert server.data.master_key.read_text().strip() == "22" * 32


def test_a_platform_that_does_not_see_the_new_key_is_to_be_started_again(cli: Any, server: Server) -> None:
    server.reads = False
    code, _, err = cli("keys", "rotate", "master-key")
    assert code == 2 and "Start it again" in err and "keys rewrap" in err


def test_what_does_not_open_is_listed_and_nothing_is_forgotten(cli: Any, server: Server) -> None:
    assert cli("keys", "rotate", "master-key")[0] == 0
    server.failed = 1
    code, out, _ = cli("keys", "verify")
    assert code == 1 and "damaged" in out and "Keep the former keys" in out
    assert json.loads(cli("keys", "verify", "--json")[1])["failed"] == 1
    code, _, err = cli("keys", "forget", "master-key")
    assert code == 2 and "1 stored secret cannot be opened" in err
    assert rotating.has_former(server.data, server.data.master_key)
    server.failed = 0
    assert json.loads(cli("keys", "forget", "master-key", "--json")[1]) == {"forgotten": 1}
    assert not rotating.has_former(server.data, server.data.master_key)


def test_the_signing_keys_are_rotated(cli: Any, server: Server) -> None:
    before = server.data.secret_key.read_text().strip()
    code, out, _ = cli("keys", "rotate", "secret-key")
    assert code == 0 and "Nobody has to sign in anew" in out
    assert server.data.former(server.data.secret_key).read_text().strip() == before
    assert cli("keys", "forget", "secret-key")[0] == 0
    assert "ab" * 32 in cli("keys", "rotate", "signing-key")[1]
    assert cli("keys", "rotate", "all")[0] == 2


def test_a_refusal_is_said(cli: Any, server: Server, api: FakeApi) -> None:
    refusal = {"error": {"code": "access_denied", "message": "You may not manage the keys of this server"}}
    api.routes["GET /keys"] = lambda _: (403, refusal)
    code, _, err = cli("keys", "rotate", "master-key")
    assert code == 2 and "You may not manage" in err
    assert not rotating.has_former(server.data, server.data.master_key), "nothing was changed"
