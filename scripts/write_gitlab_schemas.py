#!/usr/bin/env python3
"""Take from what is published about GitLab's API what the tests need, and commit what comes out.

Needs npm and, for the webhooks, Debian's package archive. Writes to tests/forges/schemas: `gitlab.json` with, for each
operation that we use, the schemas of what is sent and of the answer; `gitlab_webhooks.json.xz` with an example of every
webhook. The answers are as in the types of GitBeaker, the most used client. What is sent, and what GitBeaker lacks, are as in
GitLab's own description of its REST API, of July 2026: `doc/api/openapi/openapi_v2.yaml` of its sources, and for what that
leaves out (notes, discussions, users, tests of webhooks) `lib/api`. `signing_token` came later, with GitLab 19.0, and
`pagination` is among what it says about all lists. The status of a stopped environment is that of `lib/api`. Run it after changing a version or the operations:

    scripts/write_gitlab_schemas.py
"""

import json
import lzma
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests/forges/schemas/gitlab.json"
WEBHOOKS = ROOT / "tests/forges/schemas/gitlab_webhooks.json.xz"
PACKAGE, GENERATOR = "@gitbeaker/core@43.8.0", "ts-json-schema-generator@1.5.1"
EXAMPLES = "golang-github-xanzy-go-gitlab-dev"

DEPTH = 3
TEXT, NUMBER, FLAG, LIST = "string", "integer", "boolean", "array"
ANSWERS = {
    "user": "ExpandedUserSchema",
    "version": "MetadataSchema",
    "token": "PersonalAccessTokenSchema",
    "project": "ProjectSchema",
    "merge_request": "ExpandedMergeRequestSchema",
    "member": "MemberSchema",
    "hook": "ProjectHookSchema",
    "status": "CommitStatusSchema",
    "pipeline": "PipelineSchema",
    "note": "NoteSchema",
    "emoji": "AwardEmojiSchema",
    "discussion": "DiscussionSchema",
    "environment": "EnvironmentSchema",
    "deployment": "DeploymentSchema",
    "branch": "BranchSchema",
    "protected_branch": "ProtectedBranchSchema",
    "approval_rule": "ProjectLevelApprovalRuleSchema",
}
# Of GitLab's documentation: GitBeaker does not have them.
MORE: dict[str, dict[str, str]] = {
    "hook": {
        "project_id": NUMBER,
        "name": TEXT,
        "description": TEXT,
        "token_present": FLAG,
        "signing_token_present": FLAG,
    },
    "token": {"description": TEXT},
    "note": {"type": TEXT, "resolved": FLAG, "resolved_by": "object", "position": "object"},
}
# The same, where GitBeaker has nothing.
ONLY: dict[str, dict[str, str]] = {
    "event": {
        "id": NUMBER,
        "url": TEXT,
        "trigger": TEXT,
        "request_headers": "object",
        "request_data": "object",
        "response_headers": "object",
        "response_body": TEXT,
        "execution_duration": "number",
        "response_status": TEXT,
        "created_at": TEXT,
    },
}
HOOK = {
    "url": TEXT,
    "token": TEXT,
    "signing_token": TEXT,
    "enable_ssl_verification": FLAG,
    **dict.fromkeys(
        [
            f"{event}_events"
            for event in (
                "push",
                "tag_push",
                "merge_requests",
                "note",
                "issues",
                "confidential_issues",
                "confidential_note",
                "job",
                "pipeline",
                "wiki_page",
                "deployment",
                "releases",
            )
        ],
        FLAG,
    ),
}
PAGED = {"page": NUMBER, "per_page": NUMBER}
SORTED = {"order_by": TEXT, "sort": TEXT}
PROJECT = "/projects/{id}"
MERGE = f"{PROJECT}/merge_requests/{{iid}}"
# The answer (a list where it ends with []), and the parameters.
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "GET /user": ("user", {}),
    "GET /version": ("version", {}),
    "GET /users": ("user[]", {"username": TEXT, **PAGED}),
    "GET /personal_access_tokens/self": ("token", {}),
    "POST /personal_access_tokens/self/rotate": ("token", {"expires_at": TEXT}),
    "GET /projects": (
        "project[]",
        {"membership": FLAG, "pagination": TEXT, "id_after": NUMBER, **SORTED, **PAGED},
    ),
    f"GET {PROJECT}": ("project", {}),
    f"GET {PROJECT}/members/all": ("member[]", {"query": TEXT, **PAGED}),
    f"GET {PROJECT}/members/all/{{user}}": ("member", {}),
    f"GET {PROJECT}/merge_requests": ("merge_request[]", {"state": TEXT, "scope": TEXT, **SORTED, **PAGED}),
    f"GET {MERGE}": ("merge_request", {}),
    f"GET {PROJECT}/hooks": ("hook[]", PAGED),
    f"POST {PROJECT}/hooks": ("hook", HOOK),
    f"PUT {PROJECT}/hooks/{{hook}}": ("hook", HOOK),
    f"DELETE {PROJECT}/hooks/{{hook}}": ("", {}),
    f"POST {PROJECT}/hooks/{{hook}}/test/push_events": ("", {}),
    f"GET {PROJECT}/hooks/{{hook}}/events": ("event[]", {"status": TEXT, **PAGED}),
    f"POST {PROJECT}/statuses/{{sha}}": (
        "status",
        {
            "state": TEXT,
            "ref": TEXT,
            "name": TEXT,
            "target_url": TEXT,
            "description": TEXT,
            "coverage": "number",
            "pipeline_id": NUMBER,
        },
    ),
    f"GET {PROJECT}/repository/commits/{{sha}}/statuses": (
        "status[]",
        {"name": TEXT, "ref": TEXT, "stage": TEXT, "all": FLAG, "pipeline_id": NUMBER, **SORTED, **PAGED},
    ),
    f"GET {PROJECT}/pipelines": (
        "pipeline[]",
        {"sha": TEXT, "source": TEXT, "ref": TEXT, "status": TEXT, **SORTED, **PAGED},
    ),
    f"GET {MERGE}/pipelines": ("pipeline[]", PAGED),
    f"GET {PROJECT}/repository/commits/{{sha}}/merge_requests": ("merge_request[]", {"state": TEXT, **PAGED}),
    f"GET {MERGE}/notes": ("note[]", {**SORTED, **PAGED}),
    f"POST {MERGE}/notes": ("note", {"body": TEXT, "internal": FLAG}),
    f"PUT {MERGE}/notes/{{note}}": ("note", {"body": TEXT}),
    f"POST {MERGE}/notes/{{note}}/award_emoji": ("emoji", {"name": TEXT}),
    f"GET {MERGE}/discussions": ("discussion[]", PAGED),
    f"POST {MERGE}/discussions": ("discussion", {"body": TEXT, "commit_id": TEXT, "position": "object"}),
    f"PUT {MERGE}/discussions/{{discussion}}": ("discussion", {"resolved": FLAG}),
    f"GET {PROJECT}/environments": ("environment[]", {"name": TEXT, "search": TEXT, "states": TEXT, **PAGED}),
    f"POST {PROJECT}/environments": ("environment", {"name": TEXT, "external_url": TEXT, "tier": TEXT}),
    f"PUT {PROJECT}/environments/{{environment}}": ("environment", {"external_url": TEXT, "tier": TEXT}),
    f"POST {PROJECT}/environments/{{environment}}/stop": ("environment", {"force": FLAG}),
    f"GET {PROJECT}/deployments": ("deployment[]", {"environment": TEXT, "status": TEXT, **SORTED, **PAGED}),
    f"POST {PROJECT}/deployments": (
        "deployment",
        {"environment": TEXT, "sha": TEXT, "ref": TEXT, "tag": FLAG, "status": TEXT},
    ),
    f"PUT {PROJECT}/deployments/{{deployment}}": ("deployment", {"status": TEXT}),
}
OPERATIONS |= {
    f"GET {PROJECT}/repository/branches/{{branch}}": ("branch", {}),
    f"GET {PROJECT}/protected_branches": ("protected_branch[]", {"search": TEXT, **PAGED}),
    f"GET {PROJECT}/approval_rules": ("approval_rule[]", PAGED),
}
STATUSES = {"POST": 201, "DELETE": 204}
OTHER_STATUSES = {
    "POST /personal_access_tokens/self/rotate": 200,
    f"POST {PROJECT}/environments/{{environment}}/stop": 200,
}


def main() -> None:
    """Write the files."""
    schemas = answers()
    operations = {name: operation(name, *described) for name, described in OPERATIONS.items()}
    TARGET.write_text(
        json.dumps({"of": PACKAGE, "operations": operations, "schemas": schemas}, indent=1) + "\n"
    )
    print(f"{TARGET.relative_to(ROOT)}: {len(operations)} operations, {len(schemas)} schemas")
    payloads = webhooks()
    WEBHOOKS.write_bytes(lzma.compress(json.dumps(payloads, sort_keys=True).encode(), preset=9))
    print(f"{WEBHOOKS.relative_to(ROOT)}: {len(payloads)} payloads")


def operation(name: str, answer: str, parameters: dict[str, str]) -> dict[str, Any]:
    """What is sent, in the body or the address, and what comes back."""
    one = {"$ref": f"#/schemas/{answer.removesuffix('[]')}"} if answer else None
    method = name.split(" ", maxsplit=1)[0]
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    sent = {"type": "object", "properties": properties, "additionalProperties": False}
    return {
        "status": OTHER_STATUSES.get(name, STATUSES.get(method, 200)),
        "request": sent if method in {"POST", "PUT"} else None,
        "query": sorted(parameters) if method == "GET" else [],
        "response": {"type": "array", "items": one} if answer.endswith("[]") else one,
        "example": None,
    }


def answers() -> dict[str, Any]:
    """The schema of each answer: names and types of everything that it may contain."""
    with tempfile.TemporaryDirectory() as folder:
        run("npm", "init", "-y", cwd=folder)
        run("npm", "install", "--no-audit", "--no-fund", PACKAGE, GENERATOR, cwd=folder)
        types = Path(folder) / "node_modules/@gitbeaker/core/dist/index.d.ts"
        source = Path(folder) / "wanted.ts"
        wanted = "\n".join(f"  {name}: {schema};" for name, schema in ANSWERS.items())
        names = ", ".join(ANSWERS.values())
        source.write_text(
            f'import type {{ {names} }} from "{types}";\nexport interface Wanted {{\n{wanted}\n}}\n'
        )
        options = ("--path", str(source), "--type", "Wanted", "--no-type-check", "--no-top-ref")
        written = run("npx", "ts-json-schema-generator", *options, cwd=folder)
    document = json.loads(written)
    adapted = {name: lenient(document, document["properties"][name]) for name in ANSWERS}
    for name, more in MORE.items():
        adapted[name]["properties"] |= {key: {"type": [kind, "null"]} for key, kind in more.items()}
    for name, fields in ONLY.items():
        described = {key: {"type": [kind, "null"]} for key, kind in fields.items()}
        adapted[name] = {"type": "object", "properties": described, "additionalProperties": False}
    adapted["discussion"]["properties"]["notes"]["items"] = {"$ref": "#/schemas/note"}
    return adapted


def lenient(document: dict[str, Any], schema: Any, depth: int = DEPTH) -> Any:
    """A schema without what GitLab does not keep to: it leaves fields out, and says null, where GitBeaker does not know.

    Deployments and environments contain each other: what is too deep may be anything.
    """
    while isinstance(schema, dict) and "$ref" in schema:
        schema = document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    if not isinstance(schema, dict):
        return schema
    if depth == 0:
        return {}
    kept = {key: value for key, value in schema.items() if key in {"type", "enum", "const"}}
    if "anyOf" in schema:
        kept["anyOf"] = [lenient(document, one, depth) for one in schema["anyOf"]]
    if "items" in schema:
        kept["items"] = lenient(document, schema["items"], depth - 1)
    if "properties" in schema:
        inner = {name: lenient(document, one, depth - 1) for name, one in schema["properties"].items()}
        kept["properties"] = {name: or_null(one) for name, one in inner.items()}
        kept["additionalProperties"] = False
    return kept


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, or null."""
    if isinstance(schema.get("type"), str) and not {"enum", "const"} & set(schema):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def webhooks() -> dict[str, Any]:
    """The documented payloads, by the names of their files."""
    with tempfile.TemporaryDirectory() as folder:
        run("apt-get", "download", "-q", EXAMPLES, cwd=folder)
        (package,) = Path(folder).glob("*.deb")
        run("dpkg", "-x", str(package), "content", cwd=folder)
        files = sorted((Path(folder) / "content").rglob("testdata/*hooks/*.json"))
        return {f"{file.parent.name}/{file.stem}": json.loads(file.read_text()) for file in files}


def run(*words: str, cwd: str) -> str:
    """Run a program; its output."""
    return subprocess.run(words, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
