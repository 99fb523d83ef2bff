"""`seatrial access`: what it asks, what it shows, how it ends; also with text that attacks."""

from pathlib import Path
from typing import Any

from tests.cli.conftest import FakeApi, Shown

ACCESS = {
    "project": "01P",
    "mode": "basic",
    "username": "crew",
    "addresses": [],
    "bypass_token": True,
    "behind": 2,
}
LINK = {
    "id": "01G",
    "environment": "01E",
    "note": "the designer",
    "by": "alice",
    "created_at": "2026-12-01T00:00:00Z",
    "expires_at": "2026-12-02T00:00:00Z",
}


def served(api: FakeApi, *, text: str = "") -> list[Any]:
    """The platform, with `text` in place of every text of others; what it was sent."""
    sent: list[Any] = []

    def answering(answer: Any, status: int = 200) -> Any:
        def route(body: Any) -> tuple[int, Any]:
            sent.append(body)
            return status, answer

        return route

    access = ACCESS | ({"mode": text, "username": text} if text else {})
    link = {**LINK, "url": "", **({"note": text, "by": text, "id": text} if text else {})}
    api.routes |= {
        "GET /projects": lambda _: (200, [{"id": "01P", "slug": "shop", "name": text or "Shop"}]),
        "GET /environments": lambda _: (200, [{"id": "01E", "name": text or "pr-7-shop"}]),
        "GET /projects/01P/access": lambda _: (200, access),
        "PUT /projects/01P/access": answering(access),
        "POST /projects/01P/access/apply": answering({"previews": 2}),
        "GET /projects/01P/bypass-token": lambda _: (200, {"token": text or "galley_bypass_x"}),
        "POST /projects/01P/bypass-token": answering({"token": text or "galley_bypass_y"}),
        "DELETE /projects/01P/bypass-token": answering({}, 200),
        "GET /environments/01E/guests": lambda _: (200, [link]),
        "POST /environments/01E/guests": answering(
            {**link, "url": text or "http://pr-7-shop/?galley-guest=s"}
        ),
        "DELETE /guests/01G": answering({}, 200),
    }
    return sent


def test_it_decides_and_applies(cli: Any, api: FakeApi, tmp_path: Path) -> None:
    api.held_to_contract = False
    sent = served(api)
    file = tmp_path / "password.txt"
    file.write_text("open sesame\n")
    code, out, _ = cli(
        "access", "set", "shop", "basic", "--username", "crew", "--password-file", str(file), "--apply"
    )
    assert code == 0 and "2 previews let people in as before" in out and "open sesame" not in out
    assert sent[0] == {"mode": "basic", "username": "crew", "password": "open sesame", "addresses": []}
    assert "POST /projects/01P/access/apply" in api.asked
    cli("access", "set", "shop", "addresses", "--address", "10.0.0.0/8", "--address", "203.0.113.7")
    assert sent[-1]["addresses"] == ["10.0.0.0/8", "203.0.113.7"]
    code, out, _ = cli("access", "set", "shop", "members", "--json")
    assert code == 0 and '"mode": "basic"' in out
    assert cli("access", "apply", "shop")[1] == "Shop: applied to 2 previews.\n"


def test_tokens_and_guests(cli: Any, api: FakeApi) -> None:
    api.held_to_contract = False
    sent = served(api)
    assert cli("access", "token", "shop")[1] == "galley_bypass_x\n"
    assert cli("access", "token", "shop", "--rotate")[1] == "galley_bypass_y\n"
    assert cli("access", "token", "shop", "--revoke")[0] == 0
    code, out, _ = cli("access", "invite", "pr-7-shop", "--hours", "24", "--note", "the designer")
    assert code == 0 and "galley-guest=s" in out and sent[-1] == {"hours": 24, "note": "the designer"}
    assert "the designer" in cli("access", "guests", "pr-7-shop")[1]
    assert cli("access", "uninvite", "01G")[0] == 0 and api.asked[-1] == "DELETE /guests/01G"


def test_what_is_not_there_is_said(cli: Any, api: FakeApi, tmp_path: Path) -> None:
    api.held_to_contract = False
    served(api)
    api.routes["GET /environments"] = lambda _: (200, [])
    missing = str(tmp_path / "nothing")
    for words, said in (
        (["access", "guests", "pr-8-shop"], "there is no preview pr-8-shop"),
        (["access", "show", "nowhere"], "there is no project nowhere"),
        (["access", "token", "shop", "--rotate", "--revoke"], "exclude each other"),
        (["access", "set", "shop", "basic", "--password-file", missing], "cannot be read"),
    ):
        code, _, err = cli(*words)
        assert code == 2 and said in err and "Traceback" not in err


def test_text_of_others_is_shown_and_never_obeyed(shown: Shown, api: FakeApi, attack: str) -> None:
    api.held_to_contract = False
    served(api, text=attack)
    shown("access", "show", "shop")
    shown("access", "token", "shop")
    shown("access", "apply", "shop")
    shown("access", "guests", "01E")
    shown("access", "invite", "01E")
