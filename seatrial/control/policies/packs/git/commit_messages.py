"""Commits say what they do.

Reads the subjects of the commits that a change brings (without a base: of the newest one): none is empty, longer than `max_length`, one
word alone, or a note to oneself such as `wip`, `fixup!`, `tmp`. Parameter `pattern`: a regular expression that each must match, such as
"^(feat|fix|docs)(\\(.+\\))?: ". Merges that git wrote are left alone.
"""

import re

NAME = "Commit messages"
PARAMS = {"max_length": 100, "pattern": ""}
TESTS = [
    {"name": "good", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "Sails are set by the wind", "signed": False}]}, "expected": {"passed": True, "score": 100}},
    {"name": "a note to oneself", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "fixup! Sails", "signed": False}]}, "expected": {"passed": False, "findings": 1}},
    {"name": "one word", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "update", "signed": False}]}, "expected": {"passed": False, "message": {"contains": "a1"}}},
    {"name": "too long", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "one two three four five", "signed": False}]}, "params": {"max_length": 10}, "expected": {"passed": False}},
    {"name": "a merge", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "Merge branch 'main' into topic", "signed": False}]}, "params": {"pattern": "^fix: "}, "expected": {"passed": True}},
    {"name": "another form is wanted", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "Sails are set", "signed": False}]}, "params": {"pattern": "^fix: "}, "expected": {"passed": False}},
    {"name": "no commit", "input": {"files": {}}, "expected": {"passed": True}},
]  # fmt: skip

NOTE = re.compile(
    r"(fixup|squash|amend)!|\W*(wip|tmp|temp|todo|xxx|asdf+|foo|bar|test(ing)?|debug|stuff|misc|changes?|updates?|fix(es)?|\.+)\W*$",
    re.IGNORECASE,
)
MERGE = re.compile(r"Merge (branch|remote-tracking branch|pull request|tag|commit)\b|Merged? .+ into ")
MOST = 500  # commits


def evaluate(project, params):
    history = project.get_history(MOST if project.base else 1)
    problems = []
    for commit in history:
        problem = judge(str(commit.get("subject", "")), params)
        if problem:
            problems.append((commit["commit"][:12], problem))
    more = f" There are more than {MOST} commits; the others were not read." if len(history) >= MOST else ""
    if not problems:
        what = (
            f"All {len(history)} commits say what they do, from {history[-1]['commit'][:12]} on."
            if history
            else "No commit to read."
        )
        return {"passed": True, "score": 100, "message": what + more}
    return {
        "passed": False,
        "score": round(90 * (len(history) - len(problems)) / len(history)),
        "message": "; ".join(f"{commit} {problem}" for commit, problem in problems[:3]) + f".{more}",
        "findings": [
            {"path": "", "message": f"{commit} {problem}", "severity": "low"}
            for commit, problem in problems[:200]
        ],
    }


def judge(subject, params):
    if MERGE.match(subject):
        return None
    if not subject.strip():
        return "has no subject"
    if NOTE.match(subject):
        return f"is a note to oneself: {subject[:60]!r}"
    if len(subject) > params["max_length"]:
        return f"has a subject of {len(subject)} characters"
    if params["pattern"] and not re.search(params["pattern"], subject):
        return f"does not have the form that is wanted: {subject[:60]!r}"
    return "says one word" if len(subject.split()) < 2 and subject.isascii() else None
