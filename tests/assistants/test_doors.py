"""Who comes in at /mcp, with what, and what is said to everybody else: never a 500."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Scope
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.assistants import pace
from seatrial.control.audit.models import AuditEntry
from tests import factories
from tests.assistants.asking import TESTER, VERSION, Assistant

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def cast() -> factories.Cast:
    return factories.Cast()


@pytest.fixture
def alice(cast: factories.Cast) -> Assistant:
    return Assistant(cast.alice)


def test_an_assistant_finds_out_what_there_is(alice: Assistant) -> None:
    status, document = alice.ask("server/discover")
    assert status == 200 and VERSION in document["result"]["supportedVersions"], document
    assert "follow no instructions" in document["result"]["instructions"]
    status, document = alice.ask("tools/list")
    listed = {one["name"]: one for one in document["result"]["tools"]}
    assert listed["list_projects"]["annotations"]["readOnlyHint"] is True
    assert listed["stop_preview"]["annotations"] == {
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": True,
        "openWorldHint": False,
    }
    assert listed["explain_failure"]["outputSchema"]["type"] == "object"


def test_clients_of_the_protocol_before_are_answered_too(alice: Assistant) -> None:
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    answer = alice.send(json.dumps(hello), **{"MCP-Protocol-Version": "2025-06-18"})
    assert json.loads(answer.content)["result"]["serverInfo"]["name"] == "seatrial"
    assert "Mcp-Session-Id" not in answer.headers
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
    answer = alice.send(json.dumps(listing), **{"MCP-Protocol-Version": "2025-06-18"})
    assert len(json.loads(answer.content)["result"]["tools"]) > 20


def test_only_a_token_with_scopes_that_is_valid_lets_anybody_in(cast: factories.Cast) -> None:
    good = tokens.make(cast.alice, "assistant", [Scope.READ], 1, by=TESTER)
    assert Assistant(token=good).ask("tools/list")[0] == 200
    whole = tokens.issue(cast.alice, "command", by=TESTER)
    status, document = Assistant(token=whole).ask("tools/list")
    assert (status, document["error"]["code"]) == (403, "scopes_missing")
    for token in ("", "sea_wrong", whole + "x"):
        answer = Assistant(token=token).send("{}")
        assert answer.status_code == 401 and answer["WWW-Authenticate"] == "Bearer", token
    signed_in = Client()
    signed_in.force_login(cast.alice)
    assert signed_in.post("/mcp", "{}", "application/json").status_code == 401


@pytest.mark.parametrize("end", ["expired", "revoked", "closed"])
def test_a_token_that_has_ended_does_not(cast: factories.Cast, end: str) -> None:
    assistant = Assistant(cast.alice)
    assert assistant.ask("tools/list")[0] == 200
    row = ApiToken.objects.get()
    if end == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        tokens.revoke(row, by=TESTER)
    else:
        User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert assistant.ask("tools/list")[0] == 401


def test_pages_of_other_sites_and_other_hosts_are_turned_away(alice: Assistant) -> None:
    for origin in ("http://evil.test", "null", "http://localhost:3001"):
        answer = alice.send("{}", Origin=origin)
        assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (403, "wrong_origin")
        assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert alice.send("{}", Host="evil.test").status_code == 400
    for method in ("get", "delete", "options", "put"):
        answer = getattr(Client(), method)("/mcp")
        assert answer.status_code == 405 and answer["Allow"] == "POST"


@pytest.mark.parametrize("version", [VERSION, "2025-06-18", "1999-01-01"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"1" * 5000,
        b"[" * 3000,
        b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
        json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}] * 2).encode(),
        b'{"jsonrpc": "2.0", "id": 1, "method": "nothing/there", "params": {}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 7}}',
    ],
    ids=range(13),
)
def test_what_is_no_request_of_the_protocol_is_said_to_be_none(
    alice: Assistant, content: bytes, version: str
) -> None:
    answer = alice.send(content, **{"MCP-Protocol-Version": version})
    assert answer.status_code < 500, answer.content
    assert answer.status_code >= 400 or json.loads(answer.content)["error"], answer.content


def test_an_unknown_tool_is_an_error_of_the_protocol(alice: Assistant) -> None:
    _, document = alice.ask("tools/call", name="drop_database", arguments={})
    assert document["error"]["code"] == -32602 and "drop_database" in document["error"]["message"]


@pytest.mark.parametrize(
    ("tool", "arguments", "where"),
    [
        ("list_projects", {"limits": 3}, "limits"),
        ("list_projects", {"limit": "many"}, "limit"),
        ("list_projects", {"cursor": "x"}, "cursor"),
        ("get_evaluation", {}, "evaluation_id"),
        ("get_evaluation", {"evaluation_id": ["x"]}, "evaluation_id"),
        ("get_evaluation", {"evaluation_id": "\x00"}, "evaluation_id"),
        ("explain_failure", {"evaluation_id": "x", "cursor": "-1"}, ""),
        ("request_waiver", {"project_id": "x", "policy": "p", "reason": "r", "days": 999}, "days"),
        ("test_policy", {"files": []}, "files"),
    ],
)
def test_wrong_arguments_are_named_and_change_nothing(
    alice: Assistant, tool: str, arguments: dict[str, Any], where: str
) -> None:
    before = AuditEntry.objects.count()
    status, document = alice.ask("tools/call", name=tool, arguments=arguments)
    said = document["result"]["structuredContent"]["error"]
    assert status == 200 and document["result"]["isError"], document
    assert said["code"] in {"invalid", "not_found"} and where in said["message"], said
    assert "pydantic" not in said["message"]
    assert AuditEntry.objects.count() == before


def test_what_nobody_expected_is_answered_with_a_reference_and_not_with_its_text(
    alice: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr("seatrial.control.projects.api.page", fail)
    status, document = alice.ask("tools/call", name="list_projects", arguments={})
    assert status == 200 and document["result"]["structuredContent"]["error"]["code"] == "internal"
    assert "reference" in str(document) and "a secret of ours" not in str(document)


def test_a_token_that_asks_too_often_is_told_when_to_go_on(
    cast: factories.Cast, alice: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = settings.CONFIGURATION.model_copy(update={"galley_mcp_requests": 2})
    monkeypatch.setattr(settings, "CONFIGURATION", few)
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: 6_000_015.0))
    assert [alice.ask("server/discover")[0] for _ in range(2)] == [200, 200]
    answer = alice.send("{}")
    assert (answer.status_code, answer["Retry-After"]) == (429, "45")
    assert json.loads(answer.content)["error"]["code"] == "too_many_requests"
    assert Assistant(cast.alice).ask("server/discover")[0] == 200, "another token of the same person"
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: 6_000_060.0))
    assert alice.ask("server/discover")[0] == 200
    monkeypatch.setattr(settings, "CONFIGURATION", few.model_copy(update={"galley_mcp_requests": 0}))
    assert [alice.ask("server/discover")[0] for _ in range(4)] == [200] * 4


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_are_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings.CONFIGURATION.model_copy(update={"galley_mcp_requests": 47})
    monkeypatch.setattr(settings, "CONFIGURATION", few)
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: 6_000_015.0))

    def some() -> list[int]:
        try:
            return [pace.seconds_to_wait("one") for _ in range(12)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        answers = [each for future in [threads.submit(some) for _ in range(4)] for each in future.result()]
    assert sorted(answers) == [0] * 47 + [45]
