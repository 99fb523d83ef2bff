"""Policies from the terminal: what is asked of the platform, and how its answers look."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from tests.cli.conftest import FakeApi

ROW = {
    "id": "01P", "workspace": "default", "slug": "owned", "name": "Owned services", "description": "Every service has an owner.",
    "pack": "", "enabled": False, "level": "draft", "criteria": {}, "params": {"most": 5}, "network": False, "version": 2, "author": "dana",
    "changed_at": "2026-12-02T10:00:00Z", "page_url": "https://s.test/policies/default/owned",
}  # fmt: skip
FULL = {**ROW, "code": "def evaluate(project): ...\n"}


@pytest.fixture
def sent(api: FakeApi) -> list[Any]:
    """What was sent; the policy `owned` is there."""
    found: list[Any] = []
    api.routes["GET /policies"] = lambda _: (200, [ROW])
    api.routes["GET /policies/01P"] = lambda _: (200, FULL)
    for name in (
        "POST /policies",
        "POST /policies/01P/versions",
        "POST /policies/01P/revert",
        "PATCH /policies/01P",
    ):
        api.routes[name] = lambda body: (found.append(body), (200, {**FULL, "version": 3}))[1]
    return found


def test_policies_are_listed_and_shown(cli: Any, sent: list[Any], tmp_path: Path) -> None:
    code, out, _ = cli("policies", "list")
    assert code == 0 and "owned" in out and "version 2, draft, switched off" in out
    code, out, _ = cli("policies", "show", "owned")
    assert code == 0 and "most = 5" in out and "applies to  everything" in out
    file = tmp_path / "owned.py"
    assert cli("policies", "show", "owned", "--save", str(file))[0] == 0 and file.read_text() == FULL["code"]
    assert "cannot be written: File exists" in cli("policies", "show", "owned", "--save", str(file))[2]
    assert json.loads(cli("policies", "show", "owned", "--json")[1]) == FULL


def test_a_policy_is_written_from_a_file_and_changed(cli: Any, sent: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "owned.py"
    file.write_text("x = 1\n")
    code, out, _ = cli("policies", "create", "owned", str(file), "--note", "Why")
    assert code == 0 and "seatrial policies level owned advisory" in out
    assert cli("policies", "edit", "owned", str(file), "--based-on", "1")[0] == 0
    assert cli("policies", "params", "owned", "most=7", "folder=apps")[0] == 0
    assert cli("policies", "revert", "owned", "1")[0] == 0
    assert "Switched on" in cli("policies", "enable", "owned")[1]
    assert cli("policies", "disable", "owned")[0] == 0
    assert sent == [
        {"workspace": "default", "slug": "owned", "code": "x = 1\n", "note": "Why"},
        {"code": "x = 1\n", "based_on": 1, "note": ""},
        {"params": {"most": 7, "folder": "apps"}, "based_on": 2},
        {"to": 1, "based_on": 2, "note": ""},
        {"enabled": True},
        {"enabled": False},
    ]


def test_the_editor_opens_the_newest_code_and_what_was_written_is_kept(
    cli: Any, api: FakeApi, sent: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(click, "edit", lambda text, extension: text + "# mine\n")
    assert cli("policies", "edit", "owned")[0] == 0 and sent[0]["code"] == FULL["code"] + "# mine\n"
    refusal = {"error": {"code": "bad_policy", "message": "Nothing was saved. line 1: no"}}
    api.routes["POST /policies/01P/versions"] = lambda _: (400, refusal)
    code, _, err = cli("policies", "edit", "owned")
    assert code == 2 and "line 1: no" in err
    (kept,) = tmp_path.glob("owned-*.py")
    assert str(kept) in err and kept.read_text().endswith("# mine\n")
    monkeypatch.setattr(click, "edit", lambda text, extension: None)
    assert "nothing was saved" in cli("policies", "edit", "owned")[2]


def test_versions_and_their_difference(cli: Any, api: FakeApi, sent: list[Any]) -> None:
    version = {"number": 2, "author": "dana", "made_at": "2026-12-02T10:00:00Z", "note": "Six", "digest": "d", "params": {}, "network": False}  # fmt: skip
    api.routes["GET /policies/01P/versions"] = lambda _: (200, [version])
    changed = {
        "before": 1,
        "after": 2,
        "diff": "--- version 1\n+++ version 2\n-a\n+b\n",
        "params": {"most": [5, 6]},
    }
    api.routes["GET /policies/01P/diff"] = lambda _: (200, changed)
    code, out, _ = cli("policies", "versions", "owned")
    assert code == 0 and "dana" in out and "Six" in out
    code, out, _ = cli("policies", "diff", "owned")
    assert code == 0 and out.splitlines()[2:] == ["  -a", "  +b", "  - most = 5", "  + most = 6"]


def test_packs_are_listed_and_installed(cli: Any, api: FakeApi) -> None:
    packed = [{"slug": "a", "name": "A", "description": "", "state": "absent"}, {"slug": "b", "name": "B", "description": "", "state": "outdated"}]  # fmt: skip
    asked: list[Any] = []
    api.routes["GET /workspaces/default/packs"] = lambda _: (
        200,
        [{"slug": "starter", "name": "Starter", "description": "", "policies": packed}],
    )
    api.routes["POST /workspaces/default/packs/starter/install"] = lambda body: (
        asked.append(body),
        (200, [ROW]),
    )[1]
    code, out, _ = cli("policies", "packs")
    assert code == 0 and "1 of 2 policies installed" in out and "outdated" in out
    assert "1 policy installed or updated" in cli("policies", "install", "starter", "b", "--replace")[1]
    assert asked == [{"policies": ["b"], "replace": True}]


def test_what_cannot_be_done_is_said(
    cli: Any, api: FakeApi, sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "cannot be read" in cli("policies", "create", "owned", str(tmp_path / "no.py"))[2]
    (tmp_path / "bytes.py").write_bytes(b"\xff")
    assert "not UTF-8" in cli("policies", "create", "owned", str(tmp_path / "bytes.py"))[2]
    assert "no NAME=VALUE" in cli("policies", "params", "owned", "most")[2]
    monkeypatch.setattr(sys, "stdin", io.StringIO("y = 2\n"))
    assert cli("policies", "create", "owned", "-")[0] == 0 and sent[0]["code"] == "y = 2\n"
    api.routes["GET /policies"] = lambda _: (200, [])
    code, _, err = cli("policies", "show", "nope")
    assert code == 2 and "there is no policy nope" in err and "seatrial policies list" in err


def test_files_and_folders_are_imported(cli: Any, api: FakeApi, tmp_path: Path) -> None:
    asked: list[Any] = []
    row: dict[str, Any] = {"created": ["a"], "changed": [], "unchanged": ["b"], "broken": []}
    api.routes["POST /workspaces/default/policies/import"] = lambda body: (asked.append(body), (200, row))[1]
    folder = tmp_path / "standards"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.yaml", "deep/b.py", "notes.txt"):
        (folder / name).write_text(name)
    code, out, _ = cli("policies", "import", str(folder), str(folder / "a.yaml"))
    assert code == 0 and [one["name"] for one in asked[0]["files"]] == ["a.yaml", "deep/b.py", "a.yaml"]
    assert out.split() == ["created", "a", "unchanged", "b"]
    row["broken"] = [{"file": "a.yaml", "line": 3, "key": "code", "text": "no"}]
    code, out, _ = cli("policies", "import", str(folder / "a.yaml"))
    assert code == 1 and "a.yaml:3: code: no" in out
    code, out, _ = cli("policies", "import", str(folder / "a.yaml"), "--json")
    assert code == 1 and json.loads(out) == row
    assert "cannot be read" in cli("policies", "import", str(tmp_path / "none.yaml"))[2]
