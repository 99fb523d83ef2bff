"""What policies and their tests say is shown, and never obeyed, by the commands that try them."""

from pathlib import Path

import pytest

from tests.cli.conftest import FakeApi, Shown


@pytest.fixture(autouse=True)
def _anything(api: FakeApi) -> None:
    """What answers here need not be the real server."""
    api.held_to_contract = False


def test_trying_policies(shown: Shown, api: FakeApi, attack: str, tmp_path: Path) -> None:
    file = tmp_path / "readme.py"
    file.write_text("def evaluate(project): pass")
    words = ("message", "isolation", "page_url", "commit", "by")
    differing = {"key": attack, "expected": attack, "said": {attack: attack}}
    finding = {"path": attack, "line": 1, "message": attack, "severity": attack}
    result = {
        "policy": "readme", "test": attack, "agrees": False, "differences": [differing], "state": attack, "score": 1.0, "message": attack,
        "findings": [finding], "logs": [{"level": attack, "message": attack}], "seconds": 1.0,
    }  # fmt: skip
    trial = {
        "id": "01T",
        "state": "finished",
        "tests": "failed",
        "seconds": 1.0,
        **dict.fromkeys(words, attack),
        "results": [result],
    }
    counts = dict.fromkeys(
        ("commits", "passed", "failed", "errored", "newly_failing", "newly_passing", "not_run", "seconds"), 1
    )
    replay = {
        "id": "01R", "policy": attack, "state": "finished", "message": attack, "left_out": 1, "in_force": None, "page_url": attack,
        "counts": counts, "projects": [{"name": attack, "counts": counts}],
    }  # fmt: skip
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /policies"] = lambda _: (200, [])
    for address in ("/policies/tests", "/policies/trials"):
        api.routes[f"POST {address}"] = lambda _: (200, trial)
    api.routes["POST /policies/replays"] = lambda _: (200, replay)
    api.routes["GET /trials/01T"] = lambda _: (200, trial)
    api.routes["GET /replays/01R"] = lambda _: (200, replay)
    given = attack.replace("\x00", "")
    shown("policy", "test", str(file))
    shown("policy", "try", str(file), "--project", "shop")
    shown("policy", "replay", str(file))
    shown("policy", "test", given, said=False)
    shown("policy", "try", given, "--project", "shop", said=False)
    shown("policy", "replay", given, "--project", given, said=False)
