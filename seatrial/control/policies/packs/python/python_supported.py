"""Python is a version that still gets security fixes.

Compares the oldest version that the project promises to run on, and those that its images, version files and workflows name, with the dates on
which support ends, as endoflife.date had published them on the day that the message names. Parameter `days`: how long before the end
it warns. Repositories with little or no Python pass.
"""

import datetime
import re

NAME = "Supported Python"
PARAMS = {"days": 180}
TESTS = [
    {"name": "old", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.7'\n"}},
     "expected": {"passed": False, "message": {"contains": "pyproject.toml:2 names Python 3.7"}, "findings": [{"line": 2}]}},
    {"name": "an old image", "input": {"files": {"a.py": "", "Dockerfile": "FROM python:3.6-slim\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1, "severity": "high"}]}},
    {"name": "no version", "input": {"files": {"a.py": ""}}, "expected": {"passed": False, "score": 30}},
    {"name": "of the future", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.99'\n"}}, "expected": {"passed": True, "message": {"contains": "not in the data"}}},
    {"name": "no Python", "input": {"files": {"a.go": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "Python 2", "input": {"files": {"runtime.txt": "python-2.7.18", "a.py": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "by data that is years old", "input": {"files": {"a.py": ""}, "fact": {"runtimes": {"version": "endoflife.date 2020-01-01", "runtimes": [{"path": ".python-version", "line": 1, "product": "python", "title": "T", "version": "99", "kind": "version", "cycle": "99", "ends": "2999-01-01", "extended": None, "class": "source"}]}}}, "expected": {"passed": True, "message": {"contains": "days ago"}}},
]  # fmt: skip

CODE = re.compile(r"\.(py|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cs|swift|scala|ex|c|cc|cpp|h|hpp|lua|pl|sh)$")
MANIFESTS = r"(^|/)(pyproject\.toml|setup\.py|setup\.cfg|Pipfile)$"
ASIDE = ("vendored", "generated", "tests", "documentation")


def evaluate(project, params):
    files = project.files
    if not is_python(files):
        return {"passed": True, "score": 100, "message": f"Little or no Python among {len(files)} files."}
    fact = project.fact("runtimes")
    said = [one for one in fact["runtimes"] if one["product"] == "python" and one["class"] not in ASIDE]
    if not said:
        return {
            "passed": False,
            "score": 30,
            "message": "Nothing says which Python is used, so nobody knows whether it is supported.",
        }
    today = datetime.date.today()
    judged = [(one, *judge(one, today, params["days"])) for one in said]
    bad = sorted((each for each in judged if each[1] < 100), key=lambda each: each[1])
    score = min(each[1] for each in judged)
    one, _, text = (bad or judged)[0]
    return {
        "passed": score >= 60,
        "score": score,
        "message": f"{one['path']}:{one['line']} names Python {name(one)}, which {text} ({as_of(fact['version'], today)}). Places read: {len(said)}.",
        "findings": [
            {
                "path": one["path"],
                "line": one["line"],
                "message": f"Python {name(one)} {why}",
                "severity": "high" if s == 0 else "medium" if s < 60 else "low",
            }
            for one, s, why in bad[:200]
        ],
    }


def as_of(version, today):
    """Of which day the data is, and how long ago that was if it is half a year or more."""
    day = re.search(r"\d{4}-\d\d-\d\d", version)
    days = (today - datetime.date.fromisoformat(day[0])).days if day else 0
    return f"as of {version}, {days} days ago" if days > 180 else f"as of {version}"


def name(one):
    return one["cycle"] or one["version"]


def is_python(files):
    """Whether Python is more than a few scripts: it is packaged, or a fifth of the code."""
    return files.count(MANIFESTS) > 0 or files.count(r"\.py$") * 5 >= files.count(CODE) > 0


def judge(one, today, days):
    """(score, text)."""
    if not one["ends"]:
        return 100, "is not in the data" if not one["cycle"] else "gets security fixes"
    late = (today - datetime.date.fromisoformat(one["ends"])).days
    if late > 365:
        return (0 if late > 4 * 365 else 20), f"has had no security fixes since {one['ends']}"
    if late > 0:
        return 30, f"has had no security fixes since {one['ends']}"
    if -late < days:
        return 60, f"gets security fixes until {one['ends']} only"
    return 100, f"gets security fixes until {one['ends']}"
