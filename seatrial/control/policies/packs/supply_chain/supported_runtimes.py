"""What the project runs on still gets security fixes.

Looks at the versions of languages, systems and servers that images, files of version managers, manifests and workflows name, beside the end of
their support as endoflife.date had published it on the day that the message names. Parameters: `days`: how long before the end it warns;
`extended`: products whose extended support counts, because it is free or because you pay for it; `ranges`: whether a range that begins
with an old version fails, too (what go.mod calls the least version never does); `allow`: patterns of what may be older, such as
"postgresql 11".
"""

import datetime
import re
from fnmatch import fnmatch

NAME = "Supported runtimes"
PARAMS = {"days": 90, "extended": ["debian"], "ranges": True, "allow": []}
TESTS = [
    {"name": "ended", "input": {"files": {"Dockerfile": "FROM a:1\nFROM python:3.6-slim\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 2, "severity": "high"}], "message": {"contains": "Python 3.6"}}},
    {"name": "far from its end", "input": {"files": {}, "fact": {"runtimes": {"version": "endoflife.date 2026-08-22", "runtimes": [{"path": ".nvmrc", "line": 1, "product": "nodejs", "title": "Node.js", "version": "98", "kind": "version file", "cycle": "98", "ends": "2999-01-01", "extended": None, "class": "source"}]}}}, "expected": {"passed": True, "score": 100, "message": {"contains": "Node.js 98 gets fixes until 2999-01-01 (.nvmrc:1)"}}},
    {"name": "extended support", "input": {"files": {}, "fact": {"runtimes": {"runtimes": [{"path": "Dockerfile", "line": 1, "product": "debian", "title": "Debian", "version": "12", "kind": "image", "cycle": "12", "ends": "2001-01-01", "extended": "2999-01-01", "class": "source"}]}}}, "expected": {"passed": True}},
    {"name": "extended support that nobody has", "input": {"files": {}, "fact": {"runtimes": {"runtimes": [{"path": "Dockerfile", "line": 1, "product": "debian", "title": "Debian", "version": "12", "kind": "image", "cycle": "12", "ends": "2001-01-01", "extended": "2999-01-01", "class": "source"}]}}}, "params": {"extended": []}, "expected": {"passed": False}},
    {"name": "warns before the end", "input": {"files": {}, "fact": {"runtimes": {"runtimes": [{"path": "go.mod", "line": 3, "product": "go", "title": "Go", "version": "1.99", "kind": "version", "cycle": "1.99", "ends": "2999-01-01", "extended": None, "class": "source"}]}}}, "params": {"days": 900000}, "expected": {"passed": True, "score": 80, "findings": [{"path": "go.mod", "line": 3, "severity": "low"}]}},
    {"name": "old, and only in tests", "input": {"files": {"tests/Dockerfile": "FROM node:14\n"}}, "expected": {"passed": True, "findings": [{"severity": "low"}]}},
    {"name": "may be old", "input": {"files": {"compose.yaml": "services:\n  db:\n    image: postgres:9.6\n"}}, "params": {"allow": ["postgresql 9*"]}, "expected": {"passed": True}},
    {"name": "a range from an old one on", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.7'\n"}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
    {"name": "such a range does not matter", "input": {"files": {"package.json": '{"engines": {"node": ">=14"}}', "go.mod": "module a\n\ngo 1.18\n"}}, "params": {"ranges": False}, "expected": {"passed": True, "findings": 2}},
    {"name": "newer than the data", "input": {"files": {".python-version": "3.99\n"}}, "expected": {"passed": True, "score": 90, "message": {"contains": "not known"}}},
    {"name": "nothing is named", "input": {"files": {"a.py": ""}}, "expected": {"passed": True, "message": {"contains": "Nothing names"}}},
    {"name": "by data that is years old", "input": {"files": {}, "fact": {"runtimes": {"version": "endoflife.date 2020-01-01", "runtimes": [{"path": "go.mod", "line": 1, "product": "go", "title": "T", "version": "99", "kind": "version", "cycle": "99", "ends": "2999-01-01", "extended": None, "class": "source"}]}}}, "expected": {"passed": True, "message": {"contains": "days ago"}}},
]  # fmt: skip

ASIDE = (
    "tests",
    "documentation",
    "vendored",
    "generated",
)  # classes of paths in which what is old harms nobody


def evaluate(project, params):
    fact = project.fact("runtimes")
    today = datetime.date.today()
    source = as_of(fact["version"], today)
    named = [one for one in fact["runtimes"] if not may_be_old(one, params["allow"])]
    if not named:
        return verdict(100, f"Nothing names a version of a runtime; {fact['files']} files were read.", [])
    judged = [(one, *judge(one, today, params)) for one in named]
    found = [finding(one, score, text) for one, score, text in judged if score < 90]
    grave = [one for one in found if one["severity"] != "low"]
    unknown = sorted({f"{one['title']} {one['version']}" for one, score, _ in judged if score == 90})
    note = f" Not known: {', '.join(unknown[:5])}." if unknown else ""
    if found:
        shown = (grave or found)[:3]
        message = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in shown)
        score = max(0, 50 - 10 * len(grave)) if grave else 80
        return verdict(score, f"{message} ({source}).{note}", found)
    first = min(judged, key=lambda each: each[0]["ends"] or "9999")
    message = (
        f"{text_of(first[0])} {first[2]} ({place(first[0])}); it ends first of {len(named)} ({source}).{note}"
    )
    return verdict(90 if unknown else 100, message, [])


def as_of(version, today):
    """Of which day the data is, and how long ago that was if it is half a year or more."""
    day = re.search(r"\d{4}-\d\d-\d\d", version)
    days = (today - datetime.date.fromisoformat(day[0])).days if day else 0
    return f"as of {version}, {days} days ago" if days > 180 else f"as of {version}"


def may_be_old(one, allowed):
    return any(fnmatch(f"{one['product']} {one['cycle'] or one['version']}", pattern) for pattern in allowed)


def judge(one, today, params):
    """(score, text)."""
    if not one["cycle"]:
        return 90, "is not known"
    extended = one["extended"] if one["product"] in params["extended"] else None
    ends = max(filter(None, (one["ends"], extended)), default=None)
    if ends is None:
        return 100, "gets fixes, and nobody has said until when"
    left = (datetime.date.fromisoformat(ends) - today).days
    if left < 0:
        harmless = (
            one["class"] in ASIDE
            or one["kind"] == "least"
            or (one["kind"] == "range" and not params["ranges"])
        )
        return 70 if harmless else 0, f"has had no security fixes since {ends}"
    if left < params["days"]:
        return 80, f"gets security fixes until {ends} only"
    return 100, f"gets fixes until {ends}"


def finding(one, score, text):
    severity = "high" if score == 0 else "low"
    return {
        "path": one["path"],
        "line": one["line"],
        "message": f"{text_of(one)} {text}",
        "severity": severity,
        "fingerprint": f"{one['path']} {one['product']} {one['cycle']}"[:200],
    }


def text_of(one):
    return f"{one['title']} {one['cycle'] or one['version']}"


def place(one):
    return f"{one['path']}:{one['line']}" if one["line"] else one["path"]


def verdict(score, message, findings):
    return {
        "passed": score >= 70,
        "score": score,
        "message": message,
        "findings": findings[:500],
        "findings_left_out": len(findings[500:]),
    }
