"""Images are built the same way each time, and carry nothing that they do not need.

Looks at how packages of the system are installed: lists are updated in the same RUN, removed after, and nothing is upgraded or recommended;
`apk` without a cache; `pip` without one.
"""

import re

NAME = "Packages in images"
TESTS = [
    {"name": "good", "input": {"files": {"Dockerfile": "FROM a:1\nRUN apt-get update && apt-get install -y --no-install-recommends b && rm -rf /var/lib/apt/lists/*\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "lists of another step", "input": {"files": {"Dockerfile": "FROM a:1\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends b\n"}}, "expected": {"passed": False, "findings": [{"line": 3, "severity": "medium"}, {"line": 2}]}},
    {"name": "recommended packages and lists stay", "input": {"files": {"Dockerfile": "FROM a:1\nRUN apt-get update && apt-get install -y b\n"}}, "expected": {"passed": True, "score": 80, "findings": 2}},
    {"name": "upgraded", "input": {"files": {"Dockerfile": "FROM a:1\nRUN apt-get update && apt-get -y dist-upgrade\n"}}, "expected": {"passed": False}},
    {"name": "apk", "input": {"files": {"Dockerfile": "FROM alpine:3\nRUN apk add --no-cache b\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "caches are mounted", "input": {"files": {"Dockerfile": "FROM a:1\nRUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y --no-install-recommends b\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|\.devcontainer)/")
INSTALL = re.compile(r"\bapt(-get)?\s+(-\S+\s+)*install\b")
UPDATE = re.compile(r"\bapt(-get)?\s+(-\S+\s+)*update\b")


def evaluate(project):
    problems, looked = [], 0
    for file in project.fact("dockerfile")["dockerfiles"]:
        path = file["path"]
        if SKIPPED.search(path):
            continue
        looked += 1
        for step in (step for stage in file["stages"] for step in stage["instructions"]):
            if step["instruction"] == "RUN" and "<<" not in step["rest"]:
                problems += [(path, step["line"], text, level) for text, level in judge(step["rest"])]
    problems.sort(key=lambda one: one[3] != "medium")
    grave = [one for one in problems if one[3] == "medium"]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Dockerfiles read: {looked}. They install packages well, or none.",
        }
    score = max(0, 60 - 10 * len(grave)) if grave else max(70, 100 - 10 * len(problems))
    return {
        "passed": not grave,
        "score": score,
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:200]
        ],
    }


def judge(command):
    mounted = "type=cache" in command
    if re.search(
        r"\bapt(-get)?\s+(-\S+\s+)*(dist-|full-)?upgrade\b|\bapk\s+(-\S+\s+)*upgrade\b|\b(yum|dnf)\s+(-\S+\s+)*(update|upgrade)\s+-?\w*$",
        command,
    ):
        yield "upgrades all packages: two builds give two images; take a newer base instead", "medium"
    if INSTALL.search(command):
        if not UPDATE.search(command) and "update" not in command:
            yield "installs from lists that another step has fetched, perhaps long ago", "medium"
        if "--no-install-recommends" not in command and "Install-Recommends" not in command:
            yield "installs recommended packages, too", "low"
    if (
        UPDATE.search(command)
        and not mounted
        and not re.search(
            r"rm\s+-\w*r\w*\s[^&;|]*(/var/lib/apt|lists)|apt-get\s+(-\S+\s+)*distclean", command
        )
    ):
        yield "leaves the lists of packages in the image", "low"
    if (
        re.search(r"\bapk\s+(-\S+\s+)*add\b", command)
        and "--no-cache" not in command
        and not mounted
        and "/var/cache/apk" not in command
    ):
        yield "leaves the cache of apk in the image", "low"
    if re.search(r"\bpip3?\s+install\b", command) and not re.search(
        r"--no-cache-dir|PIP_NO_CACHE_DIR|type=cache|/\.cache", command
    ):
        yield "leaves the cache of pip in the image", "low"
