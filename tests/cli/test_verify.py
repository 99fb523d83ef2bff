"""`seatrial verify`: what it shows of a genuine file, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.signed.envelope import PREDICATE_TYPE, STATEMENT_TYPE, sign
from seatrial.signed.keys import new_key, private_key
from tests.cli.conftest import FakeApi

COMMIT = "a" * 40
KEY = new_key()
RESULT = {
    "policy": "no-secrets", "version": 3, "state": "waived", "code": {"sha256": "c" * 64},
    "waivedBy": [{"approvedBy": "olga", "until": "2026-12-01", "reason": "a key for tests"}],
}  # fmt: skip


def statement(name: str = "acme/shop") -> dict[str, Any]:
    predicate = {
        "issuer": "https://seatrial.example.com", "signedAt": "2026-11-29T18:00:00+00:00",
        "evaluation": {"id": "01E", "state": "passed", "score": 92.5, "glass": "glass broken by olga: down. Without it: failed"},
        "runtime": {"isolation": "runsc", "program": {"sha256": "a" * 64}}, "results": [dict(RESULT)],
    }  # fmt: skip
    subject = [{"name": name, "digest": {"gitCommit": COMMIT}}]
    return {
        "_type": STATEMENT_TYPE,
        "predicateType": PREDICATE_TYPE,
        "subject": subject,
        "predicate": predicate,
    }


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A signed result and the key that signed it."""
    signed, key = tmp_path / "signed.json", tmp_path / "key.pem"
    signed.write_text(json.dumps(sign(statement(), private_key(KEY.private)), indent=1))
    key.write_text(KEY.public)
    return str(signed), str(key)


def test_a_genuine_file_says_what_it_proves_without_any_platform(cli: Any, files: tuple[str, str]) -> None:
    signed, key = files
    code, out, _ = cli("verify", signed, "--key", key, "--commit", COMMIT.upper())
    assert code == 0
    assert f"Genuine: acme/shop at {COMMIT}" in out and "passed, score 92.5" in out
    assert "glass broken by olga: down. Without it: failed" in out
    assert "no-secrets version 3" in out and "waived by olga until 2026-12-01: a key for tests" in out
    assert KEY.id in out and "https://seatrial.example.com" in out
    code, out, _ = cli("verify", signed, "--key", key, "--json")
    assert code == 0 and json.loads(out) == {"key_id": KEY.id, "statement": statement()}


def test_a_change_another_key_and_another_commit_are_refused(
    cli: Any, files: tuple[str, str], tmp_path: Path
) -> None:
    signed, key = files
    other = tmp_path / "other.pem"
    other.write_text(new_key().public)
    code, _, err = cli("verify", signed, "--key", str(other))
    assert code == 2 and "It was signed with key" in err
    code, _, err = cli("verify", signed, "--key", key, "--commit", "b" * 40)
    assert code == 2 and "not about bbbb" in err
    envelope = json.loads(Path(signed).read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAA" + envelope["payload"][-4:]
    Path(signed).write_text(json.dumps(envelope))
    code, _, err = cli("verify", signed, "--key", key)
    assert code == 2 and "proves nothing" in err


def test_what_is_no_file_and_no_key_is_said(cli: Any, files: tuple[str, str], tmp_path: Path) -> None:
    signed, key = files
    code, _, err = cli("verify", str(tmp_path / "none"), "--key", key)
    assert code == 2 and "cannot be read" in err
    code, _, err = cli("verify", signed, "--key", signed)
    assert code == 2 and "no Ed25519 public key" in err


def test_without_a_key_the_platforms_are_asked_for(cli: Any, api: FakeApi, files: tuple[str, str]) -> None:
    row = {
        "key_id": KEY.id,
        "public_key": KEY.public,
        "current": True,
        "created_at": "2026-11-29T18:00:00Z",
        "retired_at": None,
    }
    api.routes["GET /signing-keys"] = lambda _: (200, [row])
    code, out, _ = cli("verify", files[0])
    assert code == 0 and "Genuine" in out
