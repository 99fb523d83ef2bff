"""Images do not run as root.

The last stage of each Dockerfile must end with a USER that is not root, itself or in the stage that it begins from. Images that are known
to run as another user (distroless `nonroot`, Chainguard, `-unprivileged`) pass. Those for development and tests are left alone. Parameter
`skip`: which paths are not looked at.
"""

import re

NAME = "No root in images"
PARAMS = {
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|\\.devcontainer|examples?)/|\\.(dev|test|ci|e2e|playwright)$"
}
TESTS = [
    {"name": "a user", "input": {"files": {"Dockerfile": "FROM a:1\nUSER 1000:1000\nCMD x\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "Dockerfile:2"}}},
    {"name": "none", "input": {"files": {"Dockerfile": "FROM a:1\nCMD x\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 1}]}},
    {"name": "root at the end", "input": {"files": {"Dockerfile": "FROM a:1\nUSER app\nUSER root\n"}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "of an earlier stage", "input": {"files": {"Dockerfile": "FROM a:1 AS base\nUSER app\nFROM base\nCMD x\n"}}, "expected": {"passed": True}},
    {"name": "of another stage", "input": {"files": {"Dockerfile": "FROM a:1 AS build\nUSER app\nFROM b:1\n"}}, "expected": {"passed": False}},
    {"name": "an image that is not root", "input": {"files": {"Dockerfile": "FROM gcr.io/distroless/static:nonroot\n"}}, "expected": {"passed": True}},
    {"name": "by an argument", "input": {"files": {"Dockerfile": "FROM a:1\nARG UID=1000\nUSER $UID\n"}}, "expected": {"passed": True}},
    {"name": "no Dockerfile", "input": {"files": {"a": ""}}, "expected": {"passed": True, "message": {"contains": "No Dockerfile"}}},
]  # fmt: skip

NONROOT = re.compile(r"nonroot|unprivileged|cgr\.dev/chainguard|rootless")
ROOT = re.compile(r"(root|0)(:.*)?", re.IGNORECASE)


def evaluate(project, params):
    fact = project.fact("dockerfile")
    unread = [f"{path}: {why}" for path, why in fact["left_out"].items()]
    judged = [
        (file["path"], *user_of(file))
        for file in fact["dockerfiles"]
        if file["stages"] and not re.search(params["skip"], file["path"])
    ]
    note = f" Not read: {unread[0]}." if unread else ""
    if not judged:
        return {"passed": True, "score": 100, "message": f"No Dockerfile of something that runs.{note}"}
    bad = [(path, line, why) for path, line, why, passed in judged if not passed]
    shown = "; ".join(f"{path}:{line} {why}" for path, line, why in (bad or [one[:3] for one in judged])[:3])
    return {
        "passed": not bad,
        "score": round(100 * (len(judged) - len(bad)) / len(judged)),
        "message": f"{shown}.{note}",
        "findings": [{"path": p, "line": n, "message": why, "severity": "medium"} for p, n, why in bad],
    }


def user_of(file):
    """(line, text, whether it is not root) of the last stage."""
    if file["user"]:
        user = file["user"]["user"]
        return file["user"]["line"], f"runs as {user[:80]}", not ROOT.fullmatch(user)
    stage = file["stages"][-1]
    while stage["from_stage"] is not None:
        stage = file["stages"][stage["from_stage"]]
    if NONROOT.search(stage["base"]):
        return stage["line"], f"builds on {stage['base']}, which is not root", True
    return stage["line"], f"runs as root, unless {stage['base'][:80] or 'its image'} says otherwise", False
