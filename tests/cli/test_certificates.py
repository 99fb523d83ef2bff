"""What `seatrial status` says of the certificates that the ingress serves."""

from typing import Any

import pytest
from typer.testing import CliRunner

from seatrial.cli.app import app
from tests.cli.conftest import FakeApi

ROWS = {
    "well": ("galley.test has a certificate of R11 until 2027-01-28, for 60 days", "", False, "✓"),
    "soon": (
        "The certificate of a.test expires on 2026-12-05, in 6 days",
        "Look at Traefik's log",
        False,
        "…",
    ),
    "away": ("The certificate of b.test expired on 2026-11-01", "Replace it", True, "✗"),
}


def said(api: FakeApi, command: str, *names: str) -> tuple[int, list[str]]:
    rows = [
        {"name": name, "state": "valid", "issuer": "R11", "names": [name], "expires_at": None, "fingerprint": "",
         "looked_at": "2026-11-29T12:00:00Z", "text": ROWS[name][0], "fix": ROWS[name][1], "grave": ROWS[name][2]}
        for name in names
    ]  # fmt: skip
    platform: dict[str, Any] = {
        "url": "http://x",
        "ingress_port": 80,
        "runtime": "docker",
        "sandbox": "runsc",
    }
    platform |= {"waits_for": "", "waiting_since": None, "warnings": []}
    document = {
        "platform": platform,
        "certificates": rows,
        "agents": [{"id": "01A", "name": "local", "state": "online", "warnings": [], "sandbox_problem": ""}],
        "connections": [],
        "previews": {"running": 0, "in_progress": 0, "failed": 0},
        "projects": [],
    }
    api.routes["GET /status"] = lambda _: (200, document)
    done = CliRunner().invoke(app, [command])
    return done.exit_code, [line.strip() for line in done.output.splitlines()]


@pytest.mark.parametrize("command", ["status"])
@pytest.mark.parametrize("name", ROWS)
def test_each_is_a_line_with_its_fix_below(api: FakeApi, command: str, name: str) -> None:
    _, lines = said(api, command, name)
    text, fix, _, mark = ROWS[name]
    at = lines.index(f"{mark} {text}")
    assert not fix or lines[at + 1] == fix


@pytest.mark.parametrize("command", ["status"])
def test_where_there_is_none_nothing_is_said(api: FakeApi, command: str) -> None:
    _, lines = said(api, command)
    assert not [line for line in lines if "ertificate" in line]
