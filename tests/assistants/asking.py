"""Asking /mcp as a program does, without a client library: what is sent and answered, byte for byte."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Scope
from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import Actor

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
TESTER = Actor.person("test")


class Assistant:
    """A coding assistant of somebody, with a token of these scopes."""

    def __init__(self, user: User | None = None, *scopes: Scope, token: str = "") -> None:
        if user is not None:
            token = tokens.make(user, "assistant", scopes or [*Scope], 1, by=TESTER)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, content: bytes | str, **headers: str) -> HttpResponse:
        """Any bytes."""
        usual = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION}
        return _client().post(
            "/mcp", content, "application/json", headers={**usual, **self.headers, **headers}
        )

    def ask(self, method: str, **params: Any) -> tuple[int, Any]:
        """One request of the protocol: the HTTP status, and the document."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        named = {"Mcp-Name": params["name"]} if "name" in params else {}
        answer = self.send(json.dumps(body), **{"Mcp-Method": method, **named})
        return answer.status_code, json.loads(answer.content)

    def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool says; of a refusal, `{"error": ...}`."""
        status, document = self.ask("tools/call", name=tool, arguments=arguments)
        assert status == 200, document
        return document["result"]["structuredContent"]

    def refusal(self, tool: str, **arguments: Any) -> str:
        """The stable word of why a tool is not done."""
        status, document = self.ask("tools/call", name=tool, arguments=arguments)
        assert status == 200 and document["result"]["isError"], document
        said = document["result"]["structuredContent"]["error"]
        assert said["message"] in document["result"]["content"][0]["text"]
        return str(said["code"])


@cache
def _client() -> Client:
    """The same for all: a new one reads all middleware, which takes longer than a call."""
    return Client()
