"""Commits are signed.

Each commit that a change brings (without a base: the newest one) carries a signature. Whether it is valid, and whose it is, the code host
shows; this policy finds commits without any. Parameter `allow`: patterns of authors whose commits need none.
"""

from fnmatch import fnmatch

NAME = "Signed commits"
PARAMS = {"allow": []}
TESTS = [
    {"name": "signed", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "Sails", "signed": True}]}, "expected": {"passed": True, "score": 100}},
    {"name": "one is not", "input": {"base": "b", "get_history": [{"commit": "a1", "author": "Alice", "date": "2026-01-01", "subject": "Sails", "signed": True}, {"commit": "a2", "author": "Bob", "date": "2026-01-01", "subject": "Oars", "signed": False}]},
     "expected": {"passed": False, "score": 45, "findings": 1, "message": {"contains": "a2"}}},
    {"name": "allowed", "input": {"base": "b", "get_history": [{"commit": "a2", "author": "renovate[bot]", "date": "2026-01-01", "subject": "Oars", "signed": False}]}, "params": {"allow": ["renovate*"]}, "expected": {"passed": True}},
    {"name": "no commit", "input": {"files": {}}, "expected": {"passed": True}},
]  # fmt: skip

MOST = 500  # commits


def evaluate(project, params):
    history = project.get_history(MOST if project.base else 1)
    unsigned = [
        commit
        for commit in history
        if not commit.get("signed")
        and not any(fnmatch(str(commit.get("author", "")), pattern) for pattern in params["allow"])
    ]
    more = f" There are more than {MOST} commits; the others were not read." if len(history) >= MOST else ""
    if not unsigned:
        what = f"All {len(history)} commits are signed, or need not be." if history else "No commit to read."
        return {"passed": True, "score": 100, "message": what + more}
    named = [f"{commit['commit'][:12]} ({str(commit.get('author', ''))[:40]})" for commit in unsigned]
    return {
        "passed": False,
        "score": round(90 * (len(history) - len(unsigned)) / len(history)),
        "message": f"Without a signature: {', '.join(named[:3])}{' and others' if len(named) > 3 else ''}.{more}",
        "findings": [
            {"path": "", "message": f"{name} is not signed", "severity": "medium"} for name in named[:200]
        ],
    }
