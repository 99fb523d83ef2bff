"""`seatrial variables`: what it asks, what it shows, how it ends; also with text that attacks."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi, Shown

ROW = {
    "name": "STRIPE_KEY",
    "tier": "trusted",
    "secret": True,
    "builds": True,
    "value": "",
    "inherited": False,
    "overridden": False,
    "masked": True,
    "by": "alice",
    "created_at": "2026-12-01T00:00:00Z",
}


def served(api: FakeApi, *, text: str = "") -> list[Any]:
    """The platform, with `text` in place of every text of others; what it was sent."""
    sent: list[Any] = []

    def answering(answer: Any) -> Any:
        def route(body: Any) -> tuple[int, Any]:
            sent.append(body)
            return 200, answer

        return route

    others = {"name": text, "tier": text, "value": text, "by": text, "secret": False} if text else {}
    plain = {
        **ROW,
        "name": "LEVEL",
        "secret": False,
        "value": "info",
        "inherited": True,
        "tier": "forks",
        "builds": False,
    }
    rows = [{**ROW, **others}, {**plain, **others}, {**ROW, "masked": False, **others}]
    named = text or "STRIPE_KEY"
    api.routes |= {"GET /projects": lambda _: (200, [{"id": "01P", "slug": "shop", "name": "Shop"}])}
    for place in ("projects/01P", "workspaces/default"):
        base = f"/{place}/variables"
        api.routes |= {
            f"GET {base}": answering({"variables": rows, "behind": 2}),
            f"PUT {base}/STRIPE_KEY": answering({"changed": [named]}),
            f"POST {base}": answering({"changed": [named]}),
            f"DELETE {base}/STRIPE_KEY": answering({}),
            f"POST {base}/STRIPE_KEY/reveal": answering({"name": named, "value": text or "sk_test"}),
            f"POST /{place}/redeploy": answering({"previews": 2}),
        }
    return sent


def test_the_value_is_read_from_a_file_or_a_pipe(
    cli: Any, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    sent = served(api)
    file = tmp_path / "value.txt"
    file.write_text("sk_test\n")
    code, out, _ = cli("variables", "set", "STRIPE_KEY", "--project", "shop", "--value-file", str(file))
    assert (code, out) == (0, "Set: STRIPE_KEY\n")
    assert sent[-1] == {"value": "sk_test", "secret": True, "tier": "trusted", "builds": False}
    monkeypatch.setattr(sys, "stdin", io.StringIO("fake\n"))
    words = ["--workspace", "default", "--value-file", "-", "--forks", "--plain", "--builds", "--redeploy"]
    code, out, _ = cli("variables", "set", "STRIPE_KEY", *words)
    assert (
        code == 0
        and "2 previews deployed again" in out
        and api.asked[-1] == "POST /workspaces/default/redeploy"
    )
    assert sent[-2] == {"value": "fake", "secret": False, "tier": "forks", "builds": True}
    monkeypatch.setattr(sys, "stdin", io.StringIO("A=1\n"))
    code, out, _ = cli("variables", "import", "-", "--project", "shop", "--json")
    assert code == 0 and '"changed"' in out and sent[-1]["text"] == "A=1\n"


def test_what_is_set_is_listed_revealed_and_unset(cli: Any, api: FakeApi) -> None:
    api.held_to_contract = False
    served(api)
    code, out, _ = cli("variables", "list", "--project", "shop")
    assert code == 0 and "STRIPE_KEY=(secret)" in out and "LEVEL=info" in out
    assert "for forks · of the workspace" in out and "too short to be masked" in out
    assert "2 previews run with what was set before" in out
    assert cli("variables", "reveal", "STRIPE_KEY", "--project", "shop")[1] == "sk_test\n"
    assert cli("variables", "unset", "STRIPE_KEY", "--project", "shop")[0] == 0
    assert api.asked[-1].startswith("DELETE /projects/01P/variables/STRIPE_KEY")
    assert cli("variables", "redeploy", "--workspace", "default")[1].startswith("2 previews")


def test_what_is_missing_is_said(
    cli: Any, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    served(api)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    for words, said in (
        (["list"], "name either --project or --workspace"),
        (["list", "--project", "shop", "--workspace", "default"], "name either"),
        (["list", "--project", "nowhere"], "there is no project nowhere"),
        (["set", "STRIPE_KEY", "--project", "shop"], "no value was given"),
        (["import", str(tmp_path / "nothing"), "--project", "shop"], "cannot be read"),
    ):
        code, _, err = cli("variables", *words)
        assert code == 2 and said in err and "Traceback" not in err, words


def test_text_of_others_is_shown_and_never_obeyed(
    shown: Shown, api: FakeApi, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    served(api, text=attack)
    monkeypatch.setattr(sys, "stdin", io.StringIO("A=1"))
    shown("variables", "list", "--project", "shop")
    shown("variables", "reveal", "STRIPE_KEY", "--project", "shop")
    shown("variables", "import", "-", "--project", "shop")
