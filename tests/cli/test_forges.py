"""`seatrial connect` and `seatrial projects`."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

TOKEN = "ghp_very-secret"
ROW = {"id": "01C", "forge": "github", "name": "acme", "base_url": "https://github.com"}
RIGHTS = [
    {"name": "Webhooks (write)", "given": False, "without": "webhooks are made by hand"},
    {"name": "Contents (read)", "given": True, "without": "no code"},
    {"name": "Administration (write)", "given": None, "without": "no members"},
]
ACCOUNT = {"login": "seatrial-bot", "missing": [], "expires_at": None, "rights": RIGHTS}


@pytest.fixture
def sent(api: FakeApi) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = []

    def made(body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        return 200, {**ROW, "account": ACCOUNT}

    api.routes["POST /connections"] = made
    api.routes["GET /connections"] = lambda _: (200, [ROW, {**ROW, "id": "01L", "base_url": ""}])
    return bodies


def test_the_token_comes_from_standard_input_and_is_not_shown(
    cli: Any, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    code, out, err = cli("connect", "github", "--url", "https://git.test")
    assert code == 0 and "as seatrial-bot" in out and "projects add OWNER/NAME" in out
    assert "it lacks Webhooks (write): webhooks are made by hand" in out
    assert "Contents" not in out and "Administration" not in out
    assert sent == [{"forge": "github", "base_url": "https://git.test", "name": "", "credential": TOKEN}]
    assert TOKEN not in out + err


def test_the_token_comes_from_a_file(cli: Any, sent: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    code, out, _ = cli("connect", "github", "--token-file", str(file), "--json")
    assert code == 0 and json.loads(out)["account"]["login"] == "seatrial-bot"
    assert sent[0]["credential"] == TOKEN
    code, _, err = cli("connect", "github", "--token-file", str(tmp_path / "none"))
    assert code != 0 and "cannot be read" in err and len(sent) == 1


def test_an_app_is_connected_with_its_number_and_its_key(cli: Any, api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("the key\n")
    bodies: list[dict[str, Any]] = []

    def made(body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        return 200, {**ROW, "account": {**ACCOUNT, "login": "trial[bot]"}}

    api.routes["POST /github/apps"] = made
    code, out, err = cli("connect", "github", "--app-id", "7", "--key-file", str(file), "--name", "acme")
    assert code == 0 and "as trial[bot]" in out and "the key" not in out + err
    assert bodies == [{"base_url": "", "name": "acme", "app_id": 7, "private_key": "the key\n"}]
    for words in (
        ["--app-id", "7"],
        ["--key-file", str(file)],
        ["--app-id", "7", "--key-file", str(tmp_path / "no")],
    ):
        code, _, err = cli("connect", "github", *words)
        assert code != 0 and ("--key-file" in err or "cannot be read" in err), err
    code, _, err = cli("connect", "local", "--app-id", "7", "--key-file", str(file))
    assert code != 0 and "only GitHub has Apps" in err and len(bodies) == 1


WAITS = {
    "id": "01A",
    "state": "waiting",
    "open": "http://localhost:3000/connections/authorizations/01A",
    "redirect_uri": "http://localhost:3000/connections/authorized",
    "scopes": ["api"],
    "problem": "",
    "connection": "",
}


@pytest.fixture
def asked_for(api: FakeApi) -> list[dict[str, Any]]:
    """Somebody authorizes it at the second look."""
    bodies: list[dict[str, Any]] = []
    answers = iter([WAITS, {**WAITS, "state": "authorized", "connection": "01C"}])

    def made(body: dict[str, Any]) -> tuple[int, Any]:
        bodies.append(body)
        return 200, WAITS

    api.routes["POST /authorizations"] = made
    api.routes["GET /authorizations/01A"] = lambda _: (200, next(answers))
    api.routes["GET /connections/01C"] = lambda _: (200, {**ROW, "account": ACCOUNT})
    api.routes["GET /connections"] = lambda _: (200, [ROW])
    return bodies


def test_an_authorization_is_waited_for(cli: Any, asked_for: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("very-secret\n")
    words = ["--oauth", "--url", "https://git.test", "--client-id", "a1", "--client-secret-file", str(file)]
    code, out, err = cli("connect", "gitlab", *words)
    assert code == 0 and WAITS["open"] in out and str(WAITS["redirect_uri"]) in out
    assert "Connected acme as seatrial-bot" in out and "very-secret" not in out + err
    (body,) = asked_for
    assert (body["forge"], body["base_url"], body["client_id"]) == ("gitlab", "https://git.test", "a1")
    assert body["client_secret"] == "very-secret"


def test_an_authorization_is_not_waited_for_in_json(cli: Any, asked_for: list[dict[str, Any]]) -> None:
    code, out, _ = cli("connect", "gitlab", "--oauth", "--connection", "acme", "--json")
    assert code == 0 and json.loads(out) == WAITS
    assert asked_for[0]["connection"] == "01C" and "client_secret" not in asked_for[0]


def test_an_authorization_that_was_refused_is_a_failure(
    cli: Any, api: FakeApi, asked_for: list[dict[str, Any]], tmp_path: Path
) -> None:
    refused = {**WAITS, "state": "refused", "problem": "Somebody said no at GitLab. Begin again."}
    api.routes["GET /authorizations/01A"] = lambda _: (200, refused)
    code, out, err = cli("connect", "gitlab", "--oauth")
    assert code == 1 and "Somebody said no" in err and "Connected" not in out
    code, _, err = cli("connect", "gitlab", "--oauth", "--client-secret-file", str(tmp_path / "none"))
    assert code != 0 and "--client-id" in err and len(asked_for) == 1


def test_what_the_forge_refuses_is_said(cli: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"error": {"code": "forge_error", "message": "github.com answers 401 Unauthorized for /user"}}
    api.routes["POST /connections"] = lambda _: (400, refusal)
    monkeypatch.setattr(sys, "stdin", io.StringIO(TOKEN))
    code, out, err = cli("connect", "github")
    assert code != 0 and "401 Unauthorized" in err and TOKEN not in out + err


def test_without_projects_the_list_teaches(cli: Any, api: FakeApi) -> None:
    api.routes["GET /projects"] = lambda _: (200, [])
    code, out, _ = cli("projects")
    assert code == 0 and "connect github" in out and "preview PATH" in out


def test_projects_are_listed(cli: Any, api: FakeApi) -> None:
    rows = [{"slug": "shop", "forge": "github", "web_url": "https://github.com/acme/shop"}]
    api.routes["GET /projects"] = lambda _: (200, rows)
    assert "https://github.com/acme/shop" in cli("projects")[1]
    assert json.loads(cli("projects", "--json")[1]) == rows


def test_repositories_are_added_and_refusals_end_with_a_failure(
    cli: Any, api: FakeApi, sent: list[dict[str, Any]]
) -> None:
    answer = {
        "projects": [{"id": "1", "slug": "shop", "full_name": "acme/shop"}],
        "refused": [{"full_name": "acme/none", "why": "nothing there"}],
    }
    api.routes["POST /connections/01C/projects"] = lambda _: (200, answer)
    code, out, _ = cli("projects", "add", "acme/shop", "acme/none")
    assert code == 1 and "Under trial: acme/shop" in out and "acme/none: nothing there" in out
    answer["refused"] = []
    assert cli("projects", "add", "acme/shop")[0] == 0


def test_what_can_be_had_is_listed(cli: Any, api: FakeApi, sent: list[dict[str, Any]]) -> None:
    rows = [
        {"full_name": "acme/shop", "project": "01P", "manageable": True},
        {"full_name": "acme/docs", "project": "", "manageable": False},
    ]
    api.routes["GET /connections/01C/repositories"] = lambda _: (200, rows)
    code, out, _ = cli("projects", "available")
    assert code == 0 and "under trial" in out and "no webhook can be made" in out


@pytest.mark.parametrize(
    ("rows", "wanted", "said"),
    [
        ([], "", "no code host is connected"),
        ([ROW], "other", "there is no connection other"),
        ([ROW, {**ROW, "name": "second"}], "", "several connections: acme, second"),
    ],
)
def test_which_connection_is_asked_for(
    cli: Any, api: FakeApi, rows: list[dict[str, Any]], wanted: str, said: str
) -> None:
    api.routes["GET /connections"] = lambda _: (200, rows)
    code, _, err = cli("projects", "add", "acme/shop", *(["--connection", wanted] if wanted else []))
    assert code != 0 and said in err
