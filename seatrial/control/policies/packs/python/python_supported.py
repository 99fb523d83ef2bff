"""Python is a version that still gets security fixes.

Compares the oldest version that the project promises to run on, and those that its Dockerfiles and workflows name, with the dates on which
support ends, as python.org had published them on the day that the message names. Parameter `days`: how long before the end it warns.
"""

import datetime
import re
from posixpath import basename

NAME = "Supported Python"
PARAMS = {"days": 180}
AS_OF = "2026-11-01"  # of the dates below
ENDS = {
    "2.7": "2020-01-01", "3.4": "2019-03-18", "3.5": "2020-09-30", "3.6": "2021-12-23", "3.7": "2023-06-27", "3.8": "2024-10-07",
    "3.9": "2025-10-31", "3.10": "2026-10-31", "3.11": "2027-10-31", "3.12": "2028-10-31", "3.13": "2029-10-31", "3.14": "2030-10-31",
    "3.15": "2031-10-31",
}  # fmt: skip
TESTS = [
    {"name": "old", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.7'\n"}},
     "expected": {"passed": False, "message": {"contains": "pyproject.toml:2 names Python 3.7"}, "findings": [{"line": 2}]}},
    {"name": "an old image", "input": {"files": {"a.py": "", "Dockerfile": "FROM python:3.6-slim\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1, "severity": "high"}]}},
    {"name": "no version", "input": {"files": {"a.py": ""}}, "expected": {"passed": False, "score": 30}},
    {"name": "of the future", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.99'\n"}}, "expected": {"passed": True, "message": {"contains": "not in the table"}}},
    {"name": "no Python", "input": {"files": {"a.go": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "Python 2", "input": {"files": {"runtime.txt": "python-2.7.18", "a.py": ""}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

PLACES = [
    (r"pyproject\.toml", r"^\s*(?:requires-)?python\s*=\s*[\"'][^\"'\d]*(\d+\.\d+)"), (r"setup\.(cfg|py)", r"python_requires\s*=\s*[\"']?[^\"'\d\n]*(\d+\.\d+)"),
    (r"Pipfile", r"python_(?:full_)?version\s*=\s*[\"'](\d+\.\d+)"), (r"\.python-version", r"^\D{0,8}(\d+\.\d+)"), (r"runtime\.txt", r"python-(\d+\.\d+)"),
    (r"(Dockerfile|Containerfile)[\w.-]*", r"^\s*FROM\s+(?:--\S+\s+)*(?:\S*/)?python:(\d+\.\d+)"), (r"[\w.-]+\.ya?ml", r"python-version\s*:\s*[\"']?(\d+\.\d+)\b"),
]  # fmt: skip
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|docs?)/")
CODE = re.compile(r"\.(py|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cs|swift|scala|ex|c|cc|cpp|h|hpp|lua|pl|sh)$")
MANIFESTS = {"pyproject.toml", "setup.py", "setup.cfg", "Pipfile"}


def evaluate(project, params):
    files = [path for path in project.list_files() if not SKIPPED.search(path)]
    if not is_python(files):
        return {"passed": True, "score": 100, "message": f"Little or no Python among {len(files)} files."}
    said = []
    for place, pattern in PLACES:
        workflow = place.startswith("[")
        paths = [
            p
            for p in files
            if re.fullmatch(place, basename(p)) and (not workflow or ".github/workflows/" in p)
        ]
        for path, text in project.read_files(paths):
            said += [
                (path, text.count("\n", 0, m.start(1)) + 1, m[1]) for m in re.finditer(pattern, text, re.M)
            ]
    if not said:
        return {
            "passed": False,
            "score": 30,
            "message": "Nothing says which Python is used, so nobody knows whether it is supported.",
        }
    today = datetime.date.today()
    judged = [(path, line, version, *judge(version, today, params["days"])) for path, line, version in said]
    bad = sorted((one for one in judged if one[3] < 100), key=lambda one: one[3])
    score = min(one[3] for one in judged)
    path, line, version, _, text = (bad or judged)[0]
    return {
        "passed": score >= 60,
        "score": score,
        "message": f"{path}:{line} names Python {version}, which {text} (as of {AS_OF}). Places read: {len(said)}.",
        "findings": [
            {
                "path": p,
                "line": n,
                "message": f"Python {v} {why}",
                "severity": "high" if s == 0 else "medium" if s < 60 else "low",
            }
            for p, n, v, s, why in bad[:200]
        ],
    }


def is_python(files):
    """Whether Python is more than a few scripts: it is packaged, or a fifth of the code."""
    code = [path for path in files if CODE.search(path)]
    python = [path for path in code if path.endswith(".py")]
    return any(basename(path) in MANIFESTS for path in files) or len(python) * 5 >= len(code) > 0


def judge(version, today, days):
    """(score, text)."""
    if version not in ENDS:
        return 100, "is not in the table"
    end = datetime.date.fromisoformat(ENDS[version])
    if (today - end).days > 365:
        return (
            0 if version < "3" or (today - end).days > 4 * 365 else 20
        ), f"has had no security fixes since {end}"
    if today > end:
        return 30, f"has had no security fixes since {end}"
    if (end - today).days < days:
        return 60, f"gets security fixes until {end} only"
    return 100, f"gets security fixes until {end}"
