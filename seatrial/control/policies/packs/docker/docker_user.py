"""Images do not run as root.

The last stage of each Dockerfile must end with a USER that is not root, itself or in the stage that it begins from. Images that are known
to run as another user (distroless `nonroot`, Chainguard, `-unprivileged`) pass. Those for development and tests are left alone. Parameter
`skip`: which paths are not looked at.
"""

import re
from posixpath import basename

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

FILE = re.compile(
    r"(Dockerfile|Containerfile)([.-][\w-]+)?|[\w.-]+\.(Dockerfile|Containerfile)", re.IGNORECASE
)
NONROOT = re.compile(r"nonroot|unprivileged|cgr\.dev/chainguard|rootless")
ROOT = re.compile(r"(root|0)(:.*)?", re.IGNORECASE)


def evaluate(project, params):
    judged, unread = [], []
    for path in project.list_files():
        if (
            FILE.fullmatch(basename(path))
            and not re.search(params["skip"], path)
            and not path.endswith((".md", ".dockerignore"))
        ):
            try:
                steps = project.get_instructions(path) or []
            except ValueError as error:
                unread.append(str(error))
                continue
            if any(step["instruction"] == "FROM" for step in steps):
                judged.append((path, *user_of(steps)))
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


def user_of(steps):
    """(line, text, whether it is not root) of the last stage."""
    stages, arguments = {}, {}
    name, line, user, image = "", 1, None, ""
    for step in steps:
        words = [word for word in step["rest"].split() if not word.startswith("--")]
        if step["instruction"] == "ARG" and "=" in step["rest"]:
            key, _, value = step["rest"].partition("=")
            arguments[key.strip()] = value.strip("\"' ")
        elif step["instruction"] == "FROM" and words:
            stages[name] = (line, user, image)
            line, user, image = stages.get(words[0].lower(), (step["line"], None, words[0]))
            name = (
                words[2].lower() if len(words) > 2 and words[1].lower() == "as" else f"stage {step['line']}"
            )
        elif step["instruction"] == "USER" and words:
            line, user = (
                step["line"],
                re.sub(
                    r"\$\{?(\w+)(:-[^}]*)?\}?", lambda m: arguments.get(m[1], (m[2] or m[1])[-20:]), words[0]
                ),
            )
    if user is None:
        if NONROOT.search(image):
            return line, f"builds on {image}, which is not root", True
        return line, f"runs as root, unless {image[:80]} says otherwise", False
    return line, f"runs as {user}", not ROOT.fullmatch(user)
