"""What the commands about results say is shown, and never obeyed: reports, scores, notices, evaluations."""

import json
from pathlib import Path

import pytest

from seatrial.signed.envelope import sign
from seatrial.signed.keys import new_key, private_key
from tests.cli.conftest import FakeApi, Shown
from tests.cli.test_verify import statement


@pytest.fixture(autouse=True)
def _anything(api: FakeApi) -> None:
    """What answers here need not be the real server."""
    api.held_to_contract = False


def test_report(shown: Shown, api: FakeApi, attack: str, tmp_path: Path) -> None:
    for form in ("sarif", "junit", "csv", "markdown"):
        api.routes["GET /evaluations/01V/report"] = lambda _: (200, {"text": attack})
        shown("report", "01V", "--format", form, said=False)
    shown("report", "01V", "--format", attack.replace("\x00", ""))
    shown("report", "01V", "--output", str(tmp_path / "x"), said=False)


def test_verify(shown: Shown, attack: str, tmp_path: Path) -> None:
    key, file, public = new_key(), tmp_path / "signed", tmp_path / "key"
    said = statement(attack)
    said["predicate"]["results"][0].update(policy=attack, state=attack, version=attack)
    said["predicate"].update(issuer=attack, signedAt=attack)
    file.write_text(json.dumps(sign(said, private_key(key.private))))
    public.write_text(key.public)
    shown("verify", str(file), "--key", str(public))
    shown("verify", str(file), "--key", str(public), "--commit", attack)
    file.write_text(attack, errors="replace")
    shown("verify", str(file), "--key", str(public), said=False)


def test_badge(shown: Shown, api: FakeApi, attack: str) -> None:
    said = {"says": attack, "public_url": attack, "private_url": "", "markdown": attack}
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop", "name": attack}])
    for method in ("GET", "POST", "DELETE"):
        api.routes[f"{method} /projects/01P/badge"] = lambda _: (200, said)
    for words in ([], ["--publish"], ["--private"]):
        shown("projects", "badge", "shop", *words)


def test_scores(shown: Shown, api: FakeApi, attack: str) -> None:
    counts = {"score": 50.0, "change": -1.0, "passed": attack, "failed": 1, "waived": 1, "errored": 1}
    api.routes["GET /scores"] = lambda _: (200, [{"kind": attack, "name": attack, "grade": attack, **counts}])
    shown("scores", "shop")


def test_notices(shown: Shown, api: FakeApi, attack: str) -> None:
    row = {
        "id": attack,
        "url": attack,
        "kinds": [attack],
        "by": attack,
        "created_at": attack,
        "secret": attack,
    }
    notice = {"id": "01N", "over": True, "status": attack, "problem": ""}
    space, one = "/workspaces/default", "/subscriptions/01S"
    api.routes[f"GET {space}/subscriptions"] = lambda _: (200, [row])
    api.routes[f"POST {space}/subscriptions"] = lambda _: (200, row)
    api.routes[f"DELETE {one}"] = lambda _: (204, None)
    api.routes[f"POST {one}/try"] = lambda _: (200, notice)
    api.routes[f"GET {one}/notices"] = lambda _: (200, [notice])
    shown("notices", "list")
    shown("notices", "add", "https://a.example/", "--kind", "score_fell")
    shown("notices", "remove", "01S", said=False)
    shown("notices", "try", "01S")
    notice["problem"] = attack
    shown("notices", "try", "01S")
    change = {"policy": attack, "project_name": attack, "expires_at": attack}
    lists = ("newly_failing", "newly_passing", "errored", "waivers_expiring", "waivers_expired")
    score = {"now": 1.0, "before": None, "projects": 2}
    body = {
        "since": attack,
        "until": attack,
        "score": score,
        "left_out": 3,
        **{key: [change] for key in lists},
    }
    api.routes[f"GET {space}/digest"] = lambda _: (200, body)
    shown("notices", "digest")
    api.routes[f"PATCH {space}/digest-time"] = lambda _: (200, {"due_at": attack})
    shown("notices", "schedule", "--day", "friday")


def test_evaluations(shown: Shown, api: FakeApi, attack: str) -> None:
    words = (
        "id",
        "project",
        "commit",
        "ref",
        "event",
        "state",
        "message",
        "created_at",
        "page_url",
        "number",
    )
    row = {**dict.fromkeys(words, attack), "score": 1.0, "waived": 1, "remarks": 2}
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /evaluations"] = lambda _: (200, [row, {**row, "number": None}])
    shown("evaluations")
    shown("evaluations", "shop", "--current", "--number", "3")
    shown("evaluations", "--state", attack.replace("\x00", ""))
