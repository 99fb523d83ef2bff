"""What policies say is shown, and never obeyed, by the commands with which they are written."""

from pathlib import Path

import pytest

from tests.cli.conftest import FakeApi, Shown


@pytest.fixture(autouse=True)
def _anything(api: FakeApi) -> None:
    """What answers here need not be the real server."""
    api.held_to_contract = False


def test_writing_policies(shown: Shown, api: FakeApi, attack: str, tmp_path: Path) -> None:
    words = (
        "slug",
        "workspace",
        "name",
        "level",
        "description",
        "pack",
        "author",
        "changed_at",
        "page_url",
        "code",
    )
    row = {**dict.fromkeys(words, attack), "id": "01P", "enabled": False, "version": 1}
    row = {**row, "criteria": {"ref": attack}, "params": {attack: attack}}
    version = {"number": 1, "author": attack, "made_at": attack, "note": attack}
    api.routes["GET /policies"] = lambda _: (200, [row])
    api.routes["GET /policies/01P"] = lambda _: (200, row)
    api.routes["GET /policies/01P/versions"] = lambda _: (200, [version])
    api.routes["GET /policies/01P/diff"] = lambda _: (
        200, {"before": 1, "after": 2, "diff": f"-{attack}", "params": {attack: [attack, attack]}},
    )  # fmt: skip
    packed = {"slug": attack, "state": attack, "name": attack}
    api.routes["GET /workspaces/default/packs"] = lambda _: (
        200,
        [{"slug": attack, "name": attack, "policies": [packed]}],
    )
    api.routes["POST /workspaces/default/packs/starter/install"] = lambda _: (200, [row])
    for name in (
        "POST /policies",
        "POST /policies/01P/versions",
        "POST /policies/01P/revert",
        "PATCH /policies/01P",
    ):
        api.routes[name] = lambda _: (200, row)
    file = tmp_path / "policy.py"
    file.write_text("x")
    shown("policies", "list")
    shown("policies", "show", "owned")
    shown("policies", "show", "owned", "--save", str(tmp_path / "saved.py"))
    shown("policies", "versions", "owned")
    shown("policies", "diff", "owned")
    shown("policies", "packs")
    shown("policies", "install", "starter")
    shown("policies", "create", "owned", str(file))
    shown("policies", "edit", "owned", str(file))
    shown("policies", "params", "owned", "a=b")
    shown("policies", "revert", "owned", "1")
    shown("policies", "enable", "owned")
    shown("policies", "disable", "owned")
    broken = {"file": attack, "line": 1, "key": attack, "text": attack}
    taken = {"created": [attack], "changed": [attack], "unchanged": [attack], "broken": [broken]}
    api.routes["POST /workspaces/default/policies/import"] = lambda _: (200, taken)
    shown("policies", "import", str(file))


def test_policies_in_git(shown: Shown, api: FakeApi, attack: str) -> None:
    wrong = {"line": 1, "key": attack, "text": attack}
    kept = {"policy": attack, "path": attack, "line": 1, "commit": attack, "standing": attack}
    source = {
        **dict.fromkeys(
            ("workspace", "project", "branch", "folder", "problem", "commit", "rewound", "rewound_from"),
            attack,
        ),
        "waits": False,
        "looked_at": None,
        "taken_at": attack,
        "files": [{"path": attack, "policies": [attack], "broken": [wrong]}],
        "policies": [kept],
    }
    api.routes["GET /workspaces/default/policy-source"] = lambda _: (200, source)
    api.routes["PATCH /workspaces/default/policy-source"] = lambda _: (200, source)
    api.routes["POST /workspaces/default/policy-source/sync"] = lambda _: (200, source)
    shown("policies", "source", "show")
    shown("policies", "source", "set", "shop")
    shown("policies", "source", "sync")
    failure = {"policy": attack, "test": attack, "text": attack}
    review = dict.fromkeys(("state", "title", "said", "commit", "page_url", "number"), attack)
    review |= {"files": source["files"], "failures": [failure]}
    api.routes["GET /workspaces/default/policy-source/reviews"] = lambda _: (200, [review])
    shown("policies", "source", "reviews")
