"""`seatrial registry`: where the password comes from, what is shown, how it ends; also with text that attacks."""

import getpass
import io
import sys
from typing import Any

import pytest

from tests.cli.conftest import FakeApi, Shown

HOST = "registry.example.com:5000"
ROW = {
    "registry": HOST,
    "tier": "trusted",
    "username": "robot",
    "inherited": False,
    "overridden": False,
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

    others = dict.fromkeys(("registry", "tier", "username", "by"), text) if text else {}
    rows = [{**ROW, **others}, {**ROW, "tier": "forks", "inherited": True, "overridden": True, **others}]
    api.routes |= {"GET /projects": lambda _: (200, [{"id": "01P", "slug": "shop", "name": "Shop"}])}
    for base in ("/projects/01P/registries", "/workspaces/default/registries"):
        api.routes |= {
            f"GET {base}": answering({"registries": rows}),
            f"PUT {base}/registry.example.com%3A5000": answering(rows[0]),
            f"DELETE {base}/registry.example.com%3A5000": answering({}),
        }
    return sent


def test_the_password_is_piped_or_asked_for_and_never_an_argument(
    cli: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    sent = served(api)
    words = ["registry", "set", HOST, "--username", "robot"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter22\n"))
    code, out, _ = cli(*words, "--project", "shop", "--password-stdin")
    assert (code, out) == (0, f"The login for {HOST} is set. Pulls that begin use it.\n")
    assert sent[-1] == {"username": "robot", "password": "hunter22", "tier": "trusted"}
    asked = io.StringIO()
    asked.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", asked)
    monkeypatch.setattr(getpass, "getpass", lambda _: "hunter33")
    code, out, _ = cli(*words, "--workspace", "default", "--forks", "--json")
    assert code == 0 and '"username": "robot"' in out and "hunter" not in out
    assert sent[-1] == {"username": "robot", "password": "hunter33", "tier": "forks"}
    code, _, err = cli(*words, "--project", "shop", "--password", "hunter22")
    assert code == 2 and "No such option" in err


def test_what_is_set_is_listed_and_removed(cli: Any, api: FakeApi) -> None:
    api.held_to_contract = False
    served(api)
    code, out, _ = cli("registry", "list", "--project", "shop")
    assert code == 0 and f"{HOST}  robot" in out and "for forks · of the workspace · overridden" in out
    assert '"registries"' in cli("registry", "list", "--workspace", "default", "--json")[1]
    code, out, _ = cli("registry", "remove", HOST, "--project", "shop", "--forks")
    assert code == 0 and "is removed" in out
    assert api.asked[-1].startswith("DELETE /projects/01P/registries/registry.example.com%3A5000")
    assert '"removed": true' in cli("registry", "remove", HOST, "--project", "shop", "--json")[1]
    api.routes["GET /projects/01P/registries"] = lambda _: (200, {"registries": []})
    assert "seatrial registry set REGISTRY" in cli("registry", "list", "--project", "shop")[1]


def test_what_is_missing_is_said(cli: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.held_to_contract = False
    served(api)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    for words, said in (
        (["list"], "name either --project or --workspace"),
        (["list", "--project", "nowhere"], "there is no project nowhere"),
        (["set", HOST, "--project", "shop"], "Missing option"),
        (["set", HOST, "--username", "robot", "--project", "shop"], "no password was given"),
    ):
        code, _, err = cli("registry", *words)
        assert code == 2 and said in err and "Traceback" not in err, words


def test_text_of_others_is_shown_and_never_obeyed(
    shown: Shown, api: FakeApi, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.held_to_contract = False
    served(api, text=attack)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter22"))
    shown("registry", "list", "--project", "shop")
    shown("registry", "set", HOST, "--username", "robot", "--project", "shop", "--password-stdin")
