"""Node.js is a version that still gets security fixes.

Compares the versions that package.json (engines), .nvmrc, .node-version, Volta, Dockerfiles and workflows name with the dates on which
support ends, as nodejs.org had published them on the day that the message names. Parameter `days`: how long before the end it warns.
"""

import datetime
import re
from posixpath import basename

NAME = "Supported Node.js"
PARAMS = {"days": 120}
AS_OF = "2026-11-01"  # of the dates below
ENDS = {
    "8": "2019-12-31", "10": "2021-04-30", "12": "2022-04-30", "14": "2023-04-30", "16": "2023-09-11", "17": "2022-06-01", "18": "2025-04-30",
    "19": "2023-06-01", "20": "2026-04-30", "21": "2024-06-01", "22": "2027-04-30", "23": "2025-06-01", "24": "2028-04-30", "25": "2026-06-01",
    "26": "2029-04-30",
}  # fmt: skip
TESTS = [
    {"name": "old", "input": {"files": {"package.json": '{"engines": {\n"node": ">=14"}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}], "message": {"contains": "Node.js 14"}}},
    {"name": "an old image", "input": {"files": {"package.json": "{}", "Dockerfile": "FROM node:16-alpine\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1}]}},
    {"name": "a name", "input": {"files": {"package.json": "{}", ".nvmrc": "lts/*\n"}}, "expected": {"passed": True, "score": 90}},
    {"name": "an old name", "input": {"files": {"package.json": "{}", ".nvmrc": "lts/gallium\n"}}, "expected": {"passed": False}},
    {"name": "not said", "input": {"files": {"package.json": "{}"}}, "expected": {"passed": False, "score": 30}},
    {"name": "no Node.js", "input": {"files": {"a.py": ""}}, "expected": {"passed": True}},
    {"name": "of the future", "input": {"files": {"package.json": '{"engines": {"node": ">=98"}}'}}, "expected": {"passed": True, "message": {"contains": "not in the table"}}},
]  # fmt: skip

CODENAMES = {
    "carbon": "8",
    "dubnium": "10",
    "erbium": "12",
    "fermium": "14",
    "gallium": "16",
    "hydrogen": "18",
    "iron": "20",
    "jod": "22",
    "krypton": "24",
}
PLACES = [
    (r"package\.json", r'"node"\s*:\s*"[^"\d]*(\d+)'), (r"\.nvmrc|\.node-version", r"^\s*v?(\d+|lts/[\w*-]+|node|latest)"), (r"\.tool-versions", r"^nodejs\s+(\d+)"),
    (r"(Dockerfile|Containerfile)[\w.-]*", r"^\s*FROM\s+(?:--\S+\s+)*(?:\S*/)?node:(\d+)"), (r"[\w.-]+\.ya?ml", r"node-version\s*:\s*[\"']?v?(\d+)"),
]  # fmt: skip
SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|templates?|docs?)/"
)


def evaluate(project, params):
    files = [path for path in project.list_files() if not SKIPPED.search(path)]
    if not any(basename(path) == "package.json" for path in files):
        return {"passed": True, "score": 100, "message": f"No package.json among {len(files)} files."}
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
            "message": "Nothing says which Node.js is used, so nobody knows whether it is supported.",
        }
    today = datetime.date.today()
    judged = [(path, line, version, *judge(version, today, params["days"])) for path, line, version in said]
    bad = sorted((one for one in judged if one[3] < 90), key=lambda one: one[3])
    score = min(one[3] for one in judged)
    path, line, version, _, text = (bad or judged)[0]
    return {
        "passed": score >= 60,
        "score": score,
        "message": f"{path}:{line} names Node.js {version}, which {text} (as of {AS_OF}). Places read: {len(said)}.",
        "findings": [
            {"path": p, "line": n, "message": f"Node.js {v} {why}", "severity": "medium" if s < 60 else "low"}
            for p, n, v, s, why in bad[:200]
        ],
    }


def judge(version, today, days):
    """(score, text)."""
    number = CODENAMES.get(version.removeprefix("lts/").lower(), version)
    if not number.isdigit():
        return 90, "is always the newest of its kind"
    if number not in ENDS:
        return 100 if int(number) > 26 else 0, "is not in the table"
    end = datetime.date.fromisoformat(ENDS[number])
    if today > end:
        return (0 if (today - end).days > 365 else 30), f"has had no security fixes since {end}"
    if (end - today).days < days:
        return 60, f"gets security fixes until {end} only"
    return 100, f"gets security fixes until {end}"
