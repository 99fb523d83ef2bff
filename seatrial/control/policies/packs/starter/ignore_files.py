"""What tools generate is neither committed nor copied into images.

Looks for generated folders and files in git, for a .gitignore that covers the repository's tools, and for a
.dockerignore beside every Dockerfile that copies its whole context, apart from those for development and tests. Parameter `skip`:
which paths are not looked at.
"""

import re
from fnmatch import fnmatch
from posixpath import basename, dirname

NAME = "Ignore files"
PARAMS = {
    "skip": "(^|/)(tests?|__tests__|specs?|fixtures?|testdata|node_modules|vendor|third_party|\\.devcontainer)/"
}
TESTS = [
    {"name": "good", "input": {"files": {".gitignore": "node_modules/\n", "package.json": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "generated and committed", "input": {"files": {".gitignore": "", "node_modules/a.js": ""}}, "expected": {"passed": False, "findings": 1}},
    {"name": "git's history in an image", "input": {"files": {".gitignore": "", "Dockerfile": "FROM a:1\nCOPY . .\n"}}, "expected": {"passed": False, "findings": [{"path": "Dockerfile", "line": 2}]}},
    {"name": "no .gitignore", "input": {"files": {"a": ""}}, "expected": {"passed": False, "score": 60}},
]  # fmt: skip

GENERATED = re.compile(
    r"(^|/)(node_modules|__pycache__|\.venv|\.tox|\.mypy_cache|\.pytest_cache|\.gradle|\.terraform)/|"
    r"(^|/)(\.DS_Store|Thumbs\.db|npm-debug\.log)$|\.(pyc|pyo|class|swp)$"
)
WANTED = [  # (a file of the tool, what .gitignore should match)
    ("package.json", "node_modules"),
    ("pyproject.toml", "__pycache__"),
    ("setup.py", "__pycache__"),
    ("requirements.txt", "__pycache__"),
    ("Cargo.toml", "target"),
    ("pom.xml", "target"),
    ("build.gradle", "build"),
]
NEAR = rf"(?i)(^|/)(\.gitignore|([^/]*\.)?dockerignore|dockerfile|containerfile|{'|'.join(re.escape(name) for name, _ in WANTED)})$"
COPIES_ALL = re.compile(r"(--(?!from=)\S+\s+)*(\[\s*\"\./?\"|\./?\s)")


def evaluate(project, params):
    generated, near = project.files.matching(GENERATED), project.files.matching(NEAR)
    files = [path for path in near if not re.search(params["skip"], path)]
    problems = committed(generated, params["skip"]) + unignored(project, files) + unfenced(project, files)
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Nothing generated is committed or copied into an image. Files: {len(project.files)}.",
        }
    points = sum(cost for cost, _, _, _ in problems)
    return {
        "passed": points < 40,
        "score": max(0, 100 - points),
        "message": " ".join(text for _, text, _, _ in problems[:5]),
        "findings": [
            {"path": path, "line": line, "message": text, "severity": "medium" if cost >= 40 else "low"}
            for cost, text, path, line in problems[:200]
        ],
    }


def committed(files, skip):
    found = [path for path in files if not re.search(skip, GENERATED.split(path)[0] + "/")]
    if not found:
        return []
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [(60, f"Generated and committed: {found[0]}{more}.", found[0], None)]


def unignored(project, files):
    rules = [path for path in files if basename(path) == ".gitignore"]
    if not rules:
        return [(40, "There is no .gitignore.", "", None)]
    patterns = [
        line.strip() for text in project.get_files_content(rules).values() for line in text.split("\n")
    ]
    names = {basename(path) for path in files}
    missing = dict.fromkeys(what for tool, what in WANTED if tool in names and not covered(what, patterns))
    return [(15, f".gitignore does not cover {what}/.", rules[0], None) for what in missing]


def covered(what, patterns):
    cleaned = (
        pattern.strip("/").removeprefix("**/") for pattern in patterns if pattern and pattern[0] not in "#!"
    )
    return any(
        fnmatch(what, pattern.split("/")[-1] or pattern) or fnmatch(f"{what}/x.pyc", pattern)
        for pattern in cleaned
    )


def unfenced(project, files):
    """Dockerfiles that copy everything, without a .dockerignore for them or for the whole repository."""
    problems = []
    for path in files:
        if basename(path).lower() not in ("dockerfile", "containerfile"):
            continue
        try:
            steps = project.get_instructions(path) or []
        except ValueError:  # no text
            continue
        copies = [
            step
            for step in steps
            if step["instruction"] in ("COPY", "ADD") and COPIES_ALL.match(step["rest"])
        ]
        folder = dirname(path)
        near = {
            f"{folder}/.dockerignore" if folder else ".dockerignore",
            ".dockerignore",
            f"{path}.dockerignore",
        }
        if copies and not near.intersection(files):
            line = copies[0]["line"]
            what = f"all of {folder}/" if folder else "everything, .git too"
            text = f"{path}:{line} copies {what}, and there is no .dockerignore."
            problems.append((20 if folder else 40, text, path, line))
    return problems
