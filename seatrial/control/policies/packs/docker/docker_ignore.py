"""What does not belong into an image stays outside.

Beside each Dockerfile that copies its whole context there is a .dockerignore that leaves out git's history, and files with secrets and
installed packages if the repository may have them.
"""

import re
from fnmatch import fnmatch
from posixpath import dirname, join

NAME = "Ignored by Docker"
TESTS = [
    {"name": "ignored", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY . .\n", ".dockerignore": ".git\n.env*\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "nothing is ignored", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY . .\n"}}, "expected": {"passed": False, "score": 0, "findings": [{"path": "Dockerfile", "line": 2}]}},
    {"name": "git is not", "input": {"files": {"Dockerfile": "FROM a:1\nADD --chown=1 . .\n", ".dockerignore": "*.md\n.env\n"}}, "expected": {"passed": False, "findings": [{"path": ".dockerignore"}]}},
    {"name": "all but some", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY . .\n", ".dockerignore": "*\n!src\n"}}, "expected": {"passed": True}},
    {"name": "copies one folder", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY src /src\n"}}, "expected": {"passed": True}},
    {"name": "let in again", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY . .\n", ".dockerignore": "**\n!.git\n"}}, "expected": {"passed": False}},
    {"name": "of a folder", "input": {"files": {"api/Dockerfile": "FROM a:1\nCOPY . .\n"}}, "expected": {"passed": True, "score": 85, "findings": 1}},
    {"name": "packages of Node.js", "input": {"files": {"Dockerfile": "FROM a:1\nCOPY . .\n", "package.json": "{}", ".dockerignore": ".git\n.env\n"}}, "expected": {"passed": True, "score": 85, "findings": 1}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|\.devcontainer)/")
ALL = re.compile(r"(--(?!from=)\S+\s+)*(\[\s*\"\./?\"|\./?\s)")
WANTED = [  # (what must be ignored, the file that makes it matter, how much)
    (".git", None, "medium"), (".env", None, "low"), ("node_modules", "package.json", "low"), (".venv", "pyproject.toml", "low"),
]  # fmt: skip


def evaluate(project):
    files = project.files
    problems, looked = [], []
    for file in project.fact("dockerfile")["dockerfiles"]:
        path = file["path"]
        if SKIPPED.search(path):
            continue
        line = next(
            (
                step["line"]
                for stage in file["stages"]
                for step in stage["instructions"]
                if step["instruction"] in ("COPY", "ADD") and ALL.match(step["rest"])
            ),
            None,
        )
        if line:
            looked.append(path)
            problems += judge(project, path, line, files)
    if not looked:
        return {"passed": True, "score": 100, "message": "No Dockerfile copies its whole context."}
    grave = [one for one in problems if one[3] != "low"]
    missing = any(one[1] for one in grave)  # a place in a Dockerfile, rather than a whole .dockerignore
    score = 0 if missing else 40 if grave else max(70, 100 - 15 * len(problems))
    shown = "; ".join(f"{path}{f':{line}' if line else ''} {text}" for path, line, text, _ in problems[:3])
    return {
        "passed": not grave,
        "score": score,
        "message": f"{shown}."
        if problems
        else f"Left out of what is copied: git's history and more ({', '.join(looked[:3])}).",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(project, path, line, files):
    near = next(
        (
            p
            for p in (f"{path}.dockerignore", join(dirname(path), ".dockerignore"), ".dockerignore")
            if p in files
        ),
        None,
    )
    if near is None:
        level = "low" if "/" in path else "medium"  # below the root, git's history is most likely outside
        return [(path, line, "copies everything, and there is no .dockerignore", level)]
    rules = [rule.strip() for rule in text_of(project, near).split("\n") if rule.strip() and rule[0] != "#"]
    wanted = [(what, level) for what, tool, level in WANTED if tool is None or tool in files]
    if "/" in near:  # git's history is outside of such a context
        wanted = [(what, level) for what, level in wanted if what != ".git"]
    return [(near, None, f"lets {what} in", level) for what, level in wanted if not ignored(what, rules)]


def ignored(what, rules):
    """Whether the last rule that matches leaves it out."""
    out = False
    for rule in rules:
        pattern = rule.lstrip("!").removeprefix("/").removeprefix("**/").rstrip("/").removesuffix("/**")
        if fnmatch(what, pattern or "*") or fnmatch(f"{what}/x", pattern):
            out = not rule.startswith("!")
    return out
