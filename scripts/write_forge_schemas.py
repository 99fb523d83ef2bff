#!/usr/bin/env python3
"""Take from what GitHub has published about its API what the tests need, and commit what comes out.

Needs npm. Writes to tests/forges/schemas: `github.json` with, for each operation that we use, the schema of what is sent,
the schema of the answer and an example of it; `github_webhooks.json.xz` with an example of every webhook. Run it after
changing a version or the operations:

    scripts/write_forge_schemas.py
"""

import json
import lzma
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests/forges/schemas/github.json"
WEBHOOKS = ROOT / "tests/forges/schemas/github_webhooks.json.xz"
PACKAGE = "@octokit/openapi@23.0.2"
DOCUMENT = "package/generated/api.github.com.json"
EXAMPLES = "@octokit/webhooks-examples@7.6.1"
OPERATIONS = [
    "GET /user",
    "GET /user/repos",
    "GET /repos/{owner}/{repo}",
    "GET /repos/{owner}/{repo}/pulls",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "GET /repos/{owner}/{repo}/collaborators",
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
    "GET /repos/{owner}/{repo}/hooks",
    "POST /repos/{owner}/{repo}/hooks",
    "PATCH /repos/{owner}/{repo}/hooks/{hook_id}",
    "DELETE /repos/{owner}/{repo}/hooks/{hook_id}",
    "GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries",
    "GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}",
    "POST /repos/{owner}/{repo}/hooks/{hook_id}/pings",
    "POST /repos/{owner}/{repo}/statuses/{sha}",
    "GET /repos/{owner}/{repo}/commits/{ref}/statuses",
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "GET /app",
    "GET /app/hook/config",
    "PATCH /app/hook/config",
    "GET /app/hook/deliveries",
    "GET /app/hook/deliveries/{delivery_id}",
    "GET /app/installations",
    "POST /app/installations/{installation_id}/access_tokens",
    "GET /installation/repositories",
    "GET /repos/{owner}/{repo}/installation",
    "POST /app-manifests/{code}/conversions",
    "POST /repos/{owner}/{repo}/check-runs",
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
    "GET /repos/{owner}/{repo}/deployments",
    "POST /repos/{owner}/{repo}/deployments",
    "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
    "GET /repos/{owner}/{repo}/branches/{branch}",
    "GET /repos/{owner}/{repo}/branches/{branch}/protection",
    "GET /repos/{owner}/{repo}/rules/branches/{branch}",
]
PROSE = {"description", "title", "example", "examples", "externalDocs", "x-github"}


def main() -> None:
    """Write the files."""
    document = published(PACKAGE, DOCUMENT)
    needed: dict[str, Any] = {}
    operations = {name: operation(document, name, needed) for name in OPERATIONS}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    content = {"of": PACKAGE, "operations": operations, "schemas": dict(sorted(needed.items()))}
    TARGET.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{TARGET.relative_to(ROOT)}: {len(operations)} operations, {len(needed)} schemas")
    events = published(EXAMPLES, "package/api.github.com/index.json")
    payloads = {event["name"]: event["examples"] for event in events}
    WEBHOOKS.write_bytes(lzma.compress(json.dumps(payloads, sort_keys=True).encode(), preset=9))
    print(
        f"{WEBHOOKS.relative_to(ROOT)}: {len(payloads)} events, {sum(map(len, payloads.values()))} payloads"
    )


def published(package: str, document: str) -> Any:
    """A document in a package of npm."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            file = archive.extractfile(document)
            assert file is not None
            return json.load(file)


def operation(document: dict[str, Any], name: str, needed: dict[str, Any]) -> dict[str, Any]:
    """What is sent, what comes back, and an example of it. The schemas they refer to are added to `needed`."""
    method, path = name.split(" ")
    described = document["paths"][path][method.lower()]
    status = next(status for status in described["responses"] if status.startswith("2"))
    answer = described["responses"][status].get("content", {}).get("application/json", {})
    sent = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    example: dict[str, Any] = next(iter(answer.get("examples", {}).values()), {})
    if "$ref" in example:
        example = document["components"]["examples"][example["$ref"].rsplit("/", 1)[-1]]
    return {
        "status": int(status),
        "request": adapted(document, sent.get("schema"), needed),
        "response": adapted(document, answer.get("schema"), needed),
        "example": example.get("value"),
    }


def adapted(document: dict[str, Any], schema: Any, needed: dict[str, Any]) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema, without its prose."""
    if isinstance(schema, list):
        return [adapted(document, one, needed) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name not in needed:
            needed[name] = {}  # it may refer to itself
            needed[name] = adapted(document, document["components"]["schemas"][name], needed)
        return {"$ref": f"#/schemas/{name}"}
    changed = {
        key: properties(document, value, needed) if key == "properties" else adapted(document, value, needed)
        for key, value in schema.items()
        if key not in PROSE
    }
    return {"anyOf": [changed, {"type": "null"}]} if changed.pop("nullable", False) else changed


def properties(document: dict[str, Any], named: dict[str, Any], needed: dict[str, Any]) -> dict[str, Any]:
    """The same for each property; their names are no keywords."""
    return {name: adapted(document, schema, needed) for name, schema in named.items()}


if __name__ == "__main__":
    main()
