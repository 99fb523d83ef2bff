"""Editors get the schema of galley.yml from the server, without signing in."""

import json

from django.test import Client


def test_anybody_gets_it() -> None:
    answer = Client().get("/static/galley.schema.json")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert json.loads(content)["title"] == "galley.yml"
