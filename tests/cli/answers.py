"""Holds what a made-up server answers against the shapes that the real one documents."""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from seatrial.control.api import api

PARAMETER = re.compile(r"\{[^}]+\}")


def strange(method: str, path: str, status: int, answer: Any) -> list[str]:
    """What `answer` says that the documented answer of the operation has no place for. It may leave things out.

    Without this, the command could read what only a test has ever answered.
    """
    document = _shapes()
    described = _operation(document, path).get(method.lower(), {}).get("responses", {}).get(status, {})
    return [
        f"{method} {path} never answers that: {error.json_path} {error.message}"[:500]
        for content in described.get("content", {}).values()
        for error in Draft202012Validator(
            {**content["schema"], "components": document["components"]}
        ).iter_errors(answer)
    ]


def _operation(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The operations at `path`, by method; of several addresses, the one with the fewest parameters."""
    matching = [
        (template.count("{"), operations)
        for template, operations in document["paths"].items()
        if re.fullmatch(PARAMETER.sub("[^/]+", template), f"/api/v1{path}")
    ]
    return min(matching, key=lambda match: match[0])[1] if matching else {}


@cache
def _shapes() -> dict[str, Any]:
    """Our own description, of which nothing is required, and to which nothing may be added."""
    document: dict[str, Any] = _strict(api.get_openapi_schema())
    return document


def _strict(part: Any) -> Any:
    if isinstance(part, list):
        return [_strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    strict = {name: _strict(value) for name, value in part.items()}
    if part.get("type") == "object" and isinstance(part.get("properties"), dict):
        strict.pop("required", None)
        strict.setdefault("additionalProperties", False)
    return strict
