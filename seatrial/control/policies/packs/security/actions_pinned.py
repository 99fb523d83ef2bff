"""Workflows run the code that was reviewed: actions are pinned by a whole commit.

A tag or a branch of an action can be moved to other code. Every `uses` of a workflow or of an action of this repository must name 40
hexadecimal digits, or a digest for an image. What lies in this repository needs none. Parameter `trusted`: owners whose tags are enough,
such as ["actions"].
"""

import re

NAME = "Pinned actions"
PARAMS = {"trusted": []}
TESTS = [
    {"name": "pinned", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: actions/checkout@0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a # v5\n    - uses: ./.github/actions/b\n"}},
     "expected": {"passed": True, "score": 100}},
    {"name": "a tag", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - run: make\n    - uses: a/b@v1\n"}},
     "expected": {"passed": False, "findings": [{"path": ".github/workflows/a.yml", "line": 5}]}},
    {"name": "a trusted owner", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n    - uses: actions/checkout@v5\n"}}, "params": {"trusted": ["actions"]},
     "expected": {"passed": True}},
    {"name": "a reusable workflow", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a:\n    uses: a/b/.github/workflows/c.yml@main\n"}}, "expected": {"passed": False, "findings": 1}},
    {"name": "an image", "input": {"files": {"action.yml": "runs:\n  using: docker\n  image: docker://alpine:3\n"}}, "expected": {"passed": False}},
    {"name": "no workflow", "input": {"files": {"a": ""}}, "expected": {"passed": True, "message": {"contains": "No workflow"}}},
    {"name": "cannot be read", "input": {"files": {".github/workflows/a.yml": "jobs: [\n"}}, "expected": {"passed": False, "message": {"contains": "not valid YAML"}}},
]  # fmt: skip

FILE = re.compile(r"\.(github|forgejo|gitea)/workflows/[^/]+\.ya?ml|(.*/)?action\.ya?ml")
PINNED = re.compile(r"[^@]+@([0-9a-f]{40}|[0-9a-f]{64})|docker://[^@]+@sha256:[0-9a-f]{64}|(\./|\.\\).*|\.")


def evaluate(project, params):
    used, problems = 0, []
    files = project.files.matching(FILE, whole=True)
    for path in files:
        try:
            documents = project.get_yaml(path) or []
        except ValueError as error:
            problems.append((path, 1, f"was not read: {error}"))
            continue
        for line, name in (pair for document in documents for pair in uses(document)):
            used += 1
            if not PINNED.fullmatch(name) and name.split("/")[0] not in params["trusted"]:
                problems.append((path, line, f"uses {name[:100]}, which can become other code"))
    if not problems:
        what = f"All {used} uses in {len(files)} files are pinned." if files else "No workflow and no action."
        return {"passed": True, "score": 100, "message": what}
    shown = "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3])
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return {
        "passed": False,
        "score": round(90 * max(0, used - len(problems)) / used) if used else 0,
        "message": f"{shown}{more}.",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def uses(document):
    """(line, what is used) everywhere in a document."""
    waiting = [("", document["data"])]
    while waiting:
        at, value = waiting.pop()
        inside = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in inside:
            here = f"{at}/{key}" if at else str(key)
            image = key == "image" and at == "runs" and str(inner).startswith("docker://")
            if (key == "uses" or image) and isinstance(inner, str):
                yield document["lines"].get(here, 1), inner.strip()
            else:
                waiting.append((here, inner))
