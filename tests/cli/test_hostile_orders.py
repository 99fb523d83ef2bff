"""What the commands about pull requests and previews say is shown, and never obeyed: orders, saved data."""

import pytest

from tests.cli.conftest import FakeApi, Shown


@pytest.fixture(autouse=True)
def _anything(api: FakeApi) -> None:
    """What answers here need not be the real server."""
    api.held_to_contract = False


def test_pulls_approve_and_extend(shown: Shown, api: FakeApi, attack: str) -> None:
    texts = dict.fromkeys(["title", "branch", "withheld", "why_withheld", "fix"], attack)
    row = {
        **texts,
        "commit": "a" * 40,
        "number": attack,
        "draft": True,
        "merged": False,
        "from_fork": True,
        "labels": [attack],
    }
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /projects/01P/pulls"] = lambda _: (200, [row])
    api.routes["GET /projects/01P/pulls/1"] = lambda _: (200, row)
    api.routes["POST /projects/01P/pulls/1/approve"] = lambda _: (
        409,
        {"error": {"code": attack, "message": attack}},
    )
    shown("pulls", "shop")
    shown("approve", "shop", "1")
    shown("approve", "shop", "1", "--commit", attack, said=False)  # cut to the length of a commit
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    api.routes["POST /environments/01E/extend"] = lambda _: (200, {"name": attack, "expires_at": attack})
    shown("extend", "pr-1-shop")
    named = {"name": attack, "expires_at": attack}
    for order in ("pin", "unpin", "sleep", "wake", "reset-data"):
        api.routes[f"POST /environments/01E/{order}"] = lambda _: (200, named)
        shown(order, "pr-1-shop")


def test_saved_data(shown: Shown, api: FakeApi, attack: str) -> None:
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    row = {"id": attack, "source": attack, "state": attack, "problem": attack, "removed": False}
    api.routes["POST /environments/01E/save-data"] = lambda _: (200, row)
    shown("save-data", "pr-1-shop")
    saved = {
        **row,
        "problem": "",
        "reflinked": True,
        "agent": attack,
        "for_forks": True,
        "created_at": attack,
    }
    api.routes["GET /projects/01P/snapshots"] = lambda _: (200, [row, saved])
    shown("snapshots", "shop")
    api.routes["DELETE /snapshots/01S"] = lambda _: (200, row)
    shown("remove-snapshot", "01S")
