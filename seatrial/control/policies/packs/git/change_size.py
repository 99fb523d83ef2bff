"""A change is small enough to be read.

Counts files and lines that a change adds and removes; lock files, generated and vendored files, and renames do not count. Parameters
`max_files` and `max_lines`. Without a base there is no change to measure.
"""

import re

NAME = "Size of a change"
PARAMS = {"max_files": 60, "max_lines": 1500}
CRITERIA = {"events": ["pull_request"]}
TESTS = [
    {"name": "small", "input": {"get_changed_files": [{"path": "a.py", "kind": "modified", "old_path": None}], "get_diff": {"diff": "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n", "left_out": []}},
     "expected": {"passed": True, "score": 100, "message": {"contains": "2 lines"}}},
    {"name": "many lines", "input": {"get_changed_files": [{"path": "a.py", "kind": "modified", "old_path": None}], "get_diff": {"diff": "--- a/a.py\n+++ b/a.py\n@@ -1 +1,3 @@\n-1\n+2\n+3\n+4\n", "left_out": []}},
     "params": {"max_lines": 3}, "expected": {"passed": False, "findings": [{"path": "a.py"}]}},
    {"name": "many files", "input": {"get_changed_files": [{"path": "a.py", "kind": "added", "old_path": None}, {"path": "b.py", "kind": "added", "old_path": None}], "get_diff": {"diff": "", "left_out": []}},
     "params": {"max_files": 1}, "expected": {"passed": False, "message": {"contains": "2 files"}}},
    {"name": "vendored files do not count", "input": {"get_changed_files": [{"path": "vendor/gen.py", "kind": "added", "old_path": None}], "get_diff": {"diff": "+++ b/vendor/gen.py\n@@ -0,0 +1,2 @@\n+1\n+2\n", "left_out": []}, "files": {"vendor/gen.py": ""}},
     "params": {"max_lines": 1}, "expected": {"passed": True}},
    {"name": "no base", "input": {"get_changed_files": None}, "expected": {"passed": True}},
]  # fmt: skip

LOCKED = re.compile(r"\.(lock|sum|snap|min\.js)$|(^|/)[\w-]*lock\.(json|ya?ml)$")
CLASSED = 10_000  # files whose classes are looked up


def evaluate(project, params):
    try:
        changed = project.get_changed_files()
    except ValueError as too_many:
        message = f"{too_many}: far more than anybody can review."
        found = [{"path": "", "message": message, "severity": "low"}]
        return {"passed": False, "score": 0, "message": message, "findings": found}
    if changed is None:
        return {"passed": True, "score": 100, "message": "No base: there is no change to measure."}
    listed = [one["path"] for one in changed if not LOCKED.search(one["path"])]
    read = [path for path in listed[:CLASSED] if project.get_class(path) not in ("generated", "vendored")]
    read += listed[CLASSED:]
    whole = project.get_diff() or {"diff": "", "left_out": []}
    lines = lines_of(whole["diff"])
    counted = {path: lines.get(path, 0) for path in read}
    total, files = sum(counted.values()), len(read)
    left = len(whole["left_out"])
    note = f" The diffs of {left} files were too large to count." if left else ""
    message = f"{files} files and {total} lines to read.{note}"
    if files <= params["max_files"] and total <= params["max_lines"] and not left:
        return {"passed": True, "score": 100, "message": message}
    largest = sorted(counted, key=lambda path: -counted[path])[:10]
    over = max(files / params["max_files"], total / params["max_lines"], 1.01)
    return {
        "passed": False,
        "score": round(60 / over),
        "message": f"{message} More than {params['max_files']} files or {params['max_lines']} lines are hard to review.",
        "findings": [
            {"path": path, "message": f"{counted[path]} lines", "severity": "low"} for path in largest
        ],
    }


def lines_of(diff):
    """How many lines are added and removed, by path."""
    found, path, inside = {}, None, False
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            path, inside = None, False
        elif not inside and line.startswith(("--- a/", "+++ b/")):
            path = line[6:].rstrip("\t")
        elif line.startswith("@@ "):
            inside = True
        elif inside and line[:1] in ("+", "-") and path is not None:
            found[path] = found.get(path, 0) + 1
    return found
