"""Workflows have no more rights than they need.

The token of a workflow without `permissions` may do what the organisation's default is, often write everything. Each workflow must
give `permissions` at its top, or in every job, and never `write-all`. Rights to write at the top of a workflow with several jobs belong
to the job that needs them.
"""

import re

NAME = "Workflow permissions"
TESTS = [
    {"name": "read at the top", "input": {"files": {".github/workflows/a.yml": "on: push\npermissions:\n  contents: read\njobs:\n  a: {}\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {".github/workflows/a.yml": "on: push\njobs:\n  a: {}\n"}},
     "expected": {"passed": False, "findings": [{"path": ".github/workflows/a.yml", "line": 3, "severity": "medium"}]}},
    {"name": "in each job", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a: {permissions: {}}\n  b: {permissions: read-all}\n"}}, "expected": {"passed": True}},
    {"name": "in one job only", "input": {"files": {".github/workflows/a.yml": "jobs:\n  a: {permissions: {}}\n  b: {runs-on: x}\n"}}, "expected": {"passed": False, "message": {"contains": "job b"}}},
    {"name": "everything", "input": {"files": {".github/workflows/a.yml": "permissions: write-all\njobs: {a: {}}\n"}}, "expected": {"passed": False, "findings": [{"line": 1, "severity": "high"}]}},
    {"name": "writing for all jobs", "input": {"files": {".github/workflows/a.yml": "permissions:\n  packages: write\njobs:\n  a: {}\n  b: {}\n"}},
     "expected": {"passed": True, "score": 90, "findings": [{"line": 2}]}},
    {"name": "no workflow", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(r"\.github/workflows/[^/]+\.ya?ml")


def evaluate(project):
    files = project.files.matching(FILE, whole=True)
    problems = []
    for path in files:
        try:
            documents = project.get_yaml(path) or []
        except ValueError as error:
            problems.append((path, 1, f"was not read: {error}", "medium"))
            continue
        if documents and isinstance(documents[0]["data"], dict):
            problems += [(path, *problem) for problem in judge(documents[0]["data"], documents[0]["lines"])]
    grave = [one for one in problems if one[3] != "low"]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Workflows that limit their rights: {len(files)}." if files else "No workflow.",
        }
    path, line, text, _ = (grave or problems)[0]
    more = f" There are {len(problems) - 1} more." if len(problems) > 1 else ""
    return {
        "passed": not grave,
        "score": max(0, 60 - 10 * len(grave)) if grave else max(70, 100 - 10 * len(problems)),
        "message": f"{path}:{line} {text}.{more}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:500]
        ],
    }


def judge(data, lines):
    jobs = data.get("jobs") if isinstance(data.get("jobs"), dict) else {}
    top = data.get("permissions", ...)
    if top is ...:
        for name, job in jobs.items():
            if isinstance(job, dict) and "permissions" not in job:
                yield (
                    lines.get(f"jobs/{name}", 1),
                    f"gives job {name} whatever rights are the default",
                    "medium",
                )
    elif isinstance(top, dict) and len(jobs) > 1:
        for name, right in top.items():
            if right == "write":
                yield (
                    lines.get(f"permissions/{name}", 1),
                    f"lets all {len(jobs)} jobs write {name}; give it to the job that needs it",
                    "low",
                )
    for at, given in [
        ("permissions", top),
        *((f"jobs/{n}/permissions", j.get("permissions")) for n, j in jobs.items() if isinstance(j, dict)),
    ]:
        if given == "write-all":
            yield lines.get(at, 1), "gives all rights (write-all)", "high"
