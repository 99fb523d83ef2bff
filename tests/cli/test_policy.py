"""Trying policies from the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

CODE = "def evaluate(project): return {'passed': True}\n"
RESULT = {
    "policy": "has-readme", "test": "", "agrees": None, "differences": [], "state": "passed", "score": 100.0, "message": "README.md: 52 words",
    "details": {}, "findings": [], "findings_left_out": 0, "logs": [{"level": "info", "message": "looked"}], "seconds": 0.2, "memoised": False, "network": "",
}  # fmt: skip
TRIAL = {
    "id": "01T", "policy": None, "version": None, "project": None, "commit": "", "state": "finished", "tests": "passed", "message": "",
    "isolation": "runsc", "seconds": 0.4, "by": "dana", "page_url": "http://localhost/trials/01T", "results": [],
}  # fmt: skip
COUNTS = {
    "commits": 3, "passed": 1, "failed": 2, "errored": 0, "skipped": 0, "not_run": 0, "waiting": 0, "newly_failing": 1, "newly_passing": 0,
    "error_rate": 0.0, "seconds": 1.5,
}  # fmt: skip
REPLAY = {
    "id": "01R", "policy": "has-readme", "version": None, "in_force": None, "state": "finished", "message": "", "left_out": 2, "by": "dana",
    "created_at": "2026-12-02T10:00:00Z", "finished_at": None, "page_url": "http://localhost/replays/01R", "counts": COUNTS,
    "projects": [{"project": "01P", "name": "shop", "counts": COUNTS}],
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    (folder / "_drafts").mkdir(parents=True)
    for name in ("has_readme.py", "other.py", "_helper.py", "_drafts/new.py", "notes.txt"):
        (folder / name).write_text(CODE)
    return folder


@pytest.fixture
def sent(api: FakeApi) -> list[Any]:
    """Bodies of what was posted; every answer is what the routes say."""
    return []


def answering(api: FakeApi, sent: list[Any], address: str, first: Any, then: str, last: Any) -> None:
    api.routes[f"POST {address}"] = lambda body: (sent.append(body), (200, first))[1]
    api.routes[f"GET {then}"] = lambda _: (200, last)


def test_every_policy_of_a_folder_is_tested_in_one_go(
    cli: Any, api: FakeApi, files: Path, sent: list[Any]
) -> None:
    agrees = {**RESULT, "test": "there", "agrees": True}
    answering(
        api,
        sent,
        "/policies/tests",
        {**TRIAL, "state": "queued"},
        "/trials/01T",
        {**TRIAL, "results": [agrees]},
    )
    code, out, err = cli("policy", "test", str(files))
    assert code == 0 and err == ""
    assert [one["slug"] for one in sent[0]["files"]] == ["has-readme", "other"] and sent[0][
        "workspace"
    ] == "default"
    assert "has-readme  1 test" in out and "other       no tests" in out
    code, out, _ = cli("policy", "test", str(files), "--json")
    assert code == 0 and json.loads(out)["results"] == [agrees]


def test_what_differs_is_shown_key_by_key(cli: Any, api: FakeApi, files: Path, sent: list[Any]) -> None:
    difference = {"key": "passed", "expected": False, "said": True}
    wrong = {**RESULT, "test": "gone", "agrees": False, "differences": [difference]}
    found = {**TRIAL, "tests": "failed", "results": [{**RESULT, "test": "there", "agrees": True}, wrong]}
    answering(api, sent, "/policies/tests", TRIAL, "/trials/01T", found)
    code, out, err = cli("policy", "test", str(files / "has_readme.py"))
    assert code == 1 and err == ""
    assert "1 of 2 tests differ" in out and "gone" in out and "passed: expected false, said true" in out
    code, out, err = cli("policy", "test", str(files / "has_readme.py"), "--json")
    assert code == 1 and json.loads(out)["tests"] == "failed" and "1 test did not agree" in err


def test_tests_that_could_not_run_are_the_platforms_fault(
    cli: Any, api: FakeApi, files: Path, sent: list[Any]
) -> None:
    lost = {
        **TRIAL,
        "state": "errored",
        "tests": "errored",
        "message": "Lost: no agent took it within 10 minutes.",
    }
    answering(api, sent, "/policies/tests", TRIAL, "/trials/01T", lost)
    code, _, err = cli("policy", "test", str(files))
    assert code == 2 and "no agent took it" in err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.py", "there is nothing at"),
        ("empty", "no policy is in"),
        ("latin.py", "is not UTF-8 at byte 1"),
    ],
)
def test_a_path_of_no_use_is_said_before_anything_is_asked(
    cli: Any, api: FakeApi, files: Path, name: str, said: str
) -> None:
    (files / "empty").mkdir()
    (files / "latin.py").write_bytes(b"#\xe9\n")
    code, _, err = cli("policy", "test", str(files / name))
    assert code == 2 and said in err and api.asked == []


def test_two_files_of_one_name_are_refused(cli: Any, api: FakeApi, files: Path) -> None:
    (files / "more").mkdir()
    (files / "more" / "other.py").write_text(CODE)
    code, _, err = cli("policy", "test", str(files))
    assert code == 2 and "both called other" in err and api.asked == []


def test_a_file_is_tried_on_a_commit(cli: Any, api: FakeApi, files: Path, sent: list[Any]) -> None:
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    on_commit = {**TRIAL, "tests": None, "commit": "a" * 40, "project": "01P", "results": [RESULT]}
    answering(api, sent, "/policies/trials", on_commit, "/trials/01T", on_commit)
    code, out, _ = cli("policy", "try", str(files / "has_readme.py"), "--project", "shop", "--commit", "aaaa")
    assert code == 0 and sent == [{"project": "01P", "commit": "aaaa", "slug": "has-readme", "code": CODE}]
    assert (
        "Trial of has-readme on aaaaaaaaaaaa of shop" in out
        and "README.md: 52 words" in out
        and "looked" in out
    )
    failed = {**on_commit, "results": [{**RESULT, "state": "failed", "score": 0.0}]}
    answering(api, sent, "/policies/trials", on_commit, "/trials/01T", failed)
    assert cli("policy", "try", str(files / "has_readme.py"), "--project", "shop")[0] == 1
    assert cli("policy", "try", str(files / "has_readme.py"), "--project", "nowhere")[0] == 2


def test_a_policy_of_the_workspace_is_tried_by_its_slug(cli: Any, api: FakeApi, sent: list[Any]) -> None:
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /policies"] = lambda _: (200, [{"id": "01Q", "slug": "has-readme"}])
    on_commit = {**TRIAL, "tests": None, "commit": "a" * 40, "results": [RESULT]}
    answering(api, sent, "/policies/01Q/trials", on_commit, "/trials/01T", on_commit)
    assert cli("policy", "try", "has-readme", "--project", "shop")[0] == 0 and sent == [
        {"project": "01P", "commit": ""}
    ]
    api.routes["GET /policies"] = lambda _: (200, [])
    code, _, err = cli("policy", "try", "has-redme", "--project", "shop")
    assert code == 2 and "no policy of that name" in err


def test_a_replay_is_shown_by_project(cli: Any, api: FakeApi, files: Path, sent: list[Any]) -> None:
    answering(api, sent, "/policies/replays", {**REPLAY, "state": "running"}, "/replays/01R", REPLAY)
    code, out, _ = cli(
        "policy", "replay", str(files / "has_readme.py"), "--commits", "5", "--no-pull-requests"
    )
    assert code == 1, "something is newly failing"
    assert (sent[0]["commits"], sent[0]["pull_requests"], sent[0]["projects"]) == (5, False, [])
    assert "newly failing" in out and "shop" in out and "no room for 2 older commits" in out
    calm = {**REPLAY, "counts": {**COUNTS, "newly_failing": 0}}
    answering(api, sent, "/policies/replays", REPLAY, "/replays/01R", calm)
    code, out, _ = cli("policy", "replay", str(files / "has_readme.py"), "--json")
    assert code == 0 and json.loads(out)["id"] == "01R"
