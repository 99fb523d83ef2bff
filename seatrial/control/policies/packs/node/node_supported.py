"""Node.js is a version that still gets security fixes.

Compares the versions that package.json (engines), version files, Volta, images and workflows name with the dates on which support ends, as
endoflife.date had published them on the day that the message names. Parameter `days`: how long before the end it warns.
"""

import datetime
import re

NAME = "Supported Node.js"
PARAMS = {"days": 120}
TESTS = [
    {"name": "old", "input": {"files": {"package.json": '{"engines": {\n"node": ">=14"}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}], "message": {"contains": "Node.js 14"}}},
    {"name": "an old image", "input": {"files": {"package.json": "{}", "Dockerfile": "FROM node:16-alpine\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1}]}},
    {"name": "a name", "input": {"files": {"package.json": "{}", ".nvmrc": "lts/*\n"}}, "expected": {"passed": True, "score": 90, "message": {"contains": ".nvmrc"}}},
    {"name": "an old name", "input": {"files": {"package.json": "{}", ".nvmrc": "lts/gallium\n"}}, "expected": {"passed": False}},
    {"name": "not said", "input": {"files": {"package.json": "{}"}}, "expected": {"passed": False, "score": 30}},
    {"name": "no Node.js", "input": {"files": {"a.py": ""}}, "expected": {"passed": True}},
    {"name": "of the future", "input": {"files": {"package.json": '{"engines": {"node": ">=98"}}'}}, "expected": {"passed": True, "message": {"contains": "not in the data"}}},
    {"name": "unknown, and no newer", "input": {"files": {"package.json": '{"engines": {"node": "0.99"}}'}}, "expected": {"passed": False}},
    {"name": "by data that is years old", "input": {"files": {"package.json": "{}"}, "fact": {"runtimes": {"version": "endoflife.date 2020-01-01", "runtimes": [{"path": ".nvmrc", "line": 1, "product": "nodejs", "title": "T", "version": "99", "kind": "version", "cycle": "99", "ends": "2999-01-01", "extended": None, "class": "source"}]}}}, "expected": {"passed": True, "message": {"contains": "days ago"}}},
]  # fmt: skip

ASIDE = ("vendored", "generated", "tests", "documentation")
NEWEST = ("lts/*", "node", "latest", "stable", "current")


def evaluate(project, params):
    if not project.list_files(glob="package.json", classes=["source", "development"]):
        return {"passed": True, "score": 100, "message": f"No package.json among {len(project.files)} files."}
    fact = project.fact("runtimes")
    said = [one for one in fact["runtimes"] if one["product"] == "nodejs" and one["class"] not in ASIDE]
    if not said:
        return unsaid(project)
    today = datetime.date.today()
    judged = [(one, *judge(one, today, params["days"])) for one in said]
    bad = sorted((each for each in judged if each[1] < 90), key=lambda each: each[1])
    score = min(each[1] for each in judged)
    one, _, text = (bad or judged)[0]
    return {
        "passed": score >= 60,
        "score": score,
        "message": f"{one['path']}:{one['line']} names Node.js {name(one)}, which {text} ({as_of(fact['version'], today)}). Places read: {len(said)}.",
        "findings": [
            {
                "path": one["path"],
                "line": one["line"],
                "message": f"Node.js {name(one)} {why}",
                "severity": "medium" if s < 60 else "low",
            }
            for one, s, why in bad[:200]
        ],
    }


def unsaid(project):
    """Nothing names a version; a version file may mean the newest of its kind."""
    for path, text in project.read_files(
        project.list_files(glob=[".nvmrc", ".node-version"], classes=["source", "development"])
    ):
        if text.strip().lower() in NEWEST:
            return {
                "passed": True,
                "score": 90,
                "message": f"{path}:1 names {text.strip()}, which is always the newest of its kind.",
            }
    return {
        "passed": False,
        "score": 30,
        "message": "Nothing says which Node.js is used, so nobody knows whether it is supported.",
    }


def as_of(version, today):
    """Of which day the data is, and how long ago that was if it is half a year or more."""
    day = re.search(r"\d{4}-\d\d-\d\d", version)
    days = (today - datetime.date.fromisoformat(day[0])).days if day else 0
    return f"as of {version}, {days} days ago" if days > 180 else f"as of {version}"


def name(one):
    return one["cycle"] or one["version"]


def judge(one, today, days):
    """(score, text)."""
    if not one["cycle"]:
        return 0 if one["version"].startswith("0.") else 100, "is not in the data"
    if not one["ends"]:
        return 100, "gets security fixes"
    late = (today - datetime.date.fromisoformat(one["ends"])).days
    if late > 0:
        return (0 if late > 365 else 30), f"has had no security fixes since {one['ends']}"
    if -late < days:
        return 60, f"gets security fixes until {one['ends']} only"
    return 100, f"gets security fixes until {one['ends']}"
