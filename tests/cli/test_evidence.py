"""`seatrial screenshots` and `compare`: what they ask, show and write."""

from pathlib import Path
from typing import Any

from tests.cli.conftest import FakeApi

SIDE = {
    "deployment": "01B",
    "environment": "01E",
    "preview": "pr-1-shop",
    "commit": "b" * 40,
    "state": "live",
    "began_at": "2026-12-01T00:00:00Z",
    "seconds": 4.5,
    "isolation": "runc",
    "recipe_folder": "",
    "image_bytes": None,
}
SHOT = {
    "id": "01S",
    "deployment": "01D",
    "commit": "a" * 40,
    "service": "web",
    "state": "taken",
    "problem": "",
    "taken_at": "2026-12-01T00:00:00Z",
    "status": 200,
    "title": "Shop",
    "width": 1280,
    "height": 900,
    "digest": "d",
    "picture_url": "/api/v1/screenshots/01S/picture",
    "compared_with": "previous",
    "before": "01R",
    "before_commit": "b" * 40,
    "before_url": "",
    "changed": 1.25,
    "difference_url": "",
}


def served(api: FakeApi, *, text: str = "") -> None:
    """The platform, with `text` in place of texts of others."""
    api.held_to_contract = False
    failed = {
        **SHOT,
        "service": text or "api",
        "state": "failed",
        "taken_at": None,
        "problem": text or "no browser",
        "picture_url": "",
    }
    same = {**SHOT, "service": text or "shop/../x", "changed": 0.0, "id": "01T"}
    rows = [SHOT, failed, same]
    service = {"kind": "web", "image": text, "image_bytes": None, "ports": None, "user": None}
    compared = {
        "before": SIDE,
        "after": {**SIDE, "deployment": "01D", "commit": "a" * 40},
        "commits": text or f"{'b' * 40}..{'a' * 40}",
        "phases": [{"name": text or "start", "before": 1.0, "after": None}],
        "services": [{"name": text or "api", "before": service, "after": None, "differs": True}],
        "variables": [{"name": text or "KEY", "change": "added"}],
        "screenshots_before": [],
        "screenshots_after": rows,
    }
    api.routes |= {
        "GET /environments": lambda _: (
            200,
            [{"id": "01E", "name": "pr-1-shop", "deployment": {"id": "01D"}}],
        ),
        "GET /deployments/01D/screenshots": lambda _: (200, rows),
        "GET /deployments/01D/comparison": lambda _: (200, compared),
        "GET /screenshots/01S/picture": lambda _: (200, "PNG"),
        "GET /screenshots/01T/picture": lambda _: (200, "PNG"),
    }


def test_screenshots_are_listed_and_written_into_their_folder_only(
    cli: Any, api: FakeApi, tmp_path: Path
) -> None:
    served(api)
    code, out, _ = cli("screenshots", "pr-1-shop", "--out", str(tmp_path / "shots"))
    assert code == 0 and "1.25 % changed" in out and "failed: no browser" in out and "looks the same" in out
    assert sorted(path.name for path in (tmp_path / "shots").iterdir()) == ["shop----x.png", "web.png"]
    (tmp_path / "file").write_text("")
    code, _, error = cli("screenshots", "pr-1-shop", "--out", str(tmp_path / "file"))
    assert code != 0 and "cannot be written" in error
    assert '"changed": 1.25' in cli("screenshots", "pr-1-shop", "--json")[1]


def test_a_preview_without_a_deployment_has_nothing_to_show(cli: Any, api: FakeApi) -> None:
    served(api)
    api.routes["GET /deployments/01D/screenshots"] = lambda _: (200, [])
    assert "No screenshots yet" in cli("screenshots", "pr-1-shop")[1]
    api.routes["GET /environments"] = lambda _: (
        200,
        [{"id": "01E", "name": "pr-1-shop", "deployment": None}],
    )
    code, _, error = cli("compare", "pr-1-shop")
    assert code != 0 and "no deployment yet" in error


def test_two_deployments_are_compared(cli: Any, api: FakeApi) -> None:
    served(api)
    code, out, _ = cli("compare", "pr-1-shop", "--with", "01B")
    assert (
        code == 0 and f"{'b' * 40}..{'a' * 40}" in out and "built (web) -> not there" in out and "KEY" in out
    )
    assert '"phases"' in cli("compare", "pr-1-shop", "--json")[1]
