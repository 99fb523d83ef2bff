"""`seatrial audit`: lists, files and whether the log is as it was sealed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

Cli = Any
FOUND = {
    "ended": True, "entries": 3, "head": f"3:{'a' * 64}", "waiting": 0, "removed": 0, "removed_at": None, "fault": None
}  # fmt: skip


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def test_what_holds_ends_with_0_and_the_head(cli: Cli, api: FakeApi) -> None:
    api.routes["GET /audit/verify"] = lambda _: (200, lines({**FOUND, "ended": False}, FOUND))
    code, out, _ = cli("audit", "verify")
    assert code == 0 and "3 entries are as they were sealed" in out and FOUND["head"] in out
    code, out, _ = cli("audit", "verify", "--json")
    assert code == 0 and json.loads(out) == FOUND


def test_what_does_not_ends_with_1_and_is_named(cli: Cli, api: FakeApi) -> None:
    fault = {"kind": "changed", "number": 2, "entry": "01E", "says": "The entry 01E is not what was sealed."}
    api.routes["GET /audit/verify"] = lambda _: (200, lines({**FOUND, "fault": fault}))
    code, out, err = cli("audit", "verify")
    assert code == 1 and "The entry 01E is not what was sealed." in out and not err
    code, out, _ = cli("audit", "verify", "--json")
    assert code == 1 and json.loads(out)["fault"] == fault


@pytest.mark.parametrize("answer", [b"", lines({"end": "cut_off"}), lines({**FOUND, "ended": False})])
def test_what_was_cut_off_is_no_result(cli: Cli, api: FakeApi, answer: bytes) -> None:
    api.routes["GET /audit/verify"] = lambda _: (200, answer)
    code, _, err = cli("audit", "verify")
    assert code == 2 and "cut off" in err


def test_a_file_is_what_the_platform_sent(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    sent = b"id,at\r\n" + b"01E,now\r\n" * 100_000
    api.routes["GET /audit/export"] = lambda _: (200, sent)
    file = tmp_path / "audit.csv"
    code, out, _ = cli("audit", "export", str(file))
    assert code == 0 and file.read_bytes() == sent and f"{len(sent)} bytes" in out


@pytest.mark.parametrize("ending", [b"-- Cut off: the server stopped.\n", b'{"end": "cut_off"}\n'])
def test_a_file_that_was_cut_off_is_said_to_be(cli: Cli, api: FakeApi, tmp_path: Path, ending: bytes) -> None:
    api.routes["GET /audit/export"] = lambda _: (200, b"01E\n" + ending)
    code, _, err = cli("audit", "export", str(tmp_path / "audit.jsonl"))
    assert code == 2 and "not complete" in err


def test_what_cannot_be_written_changes_nothing(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    code, _, err = cli("audit", "export", str(tmp_path / "audit.txt"))
    assert code == 2 and ".jsonl" in err
    kept = tmp_path / "audit.csv"
    kept.write_text("before")
    code, _, err = cli("audit", "export", str(kept))
    assert code == 2 and kept.read_text() == "before", "refused: this one has no such address"
    api.routes["GET /audit/export"] = lambda _: (200, b"id\r\n")
    code, _, err = cli("audit", "export", str(tmp_path / "none" / "audit.csv"))
    assert code == 2 and "cannot be written" in err
