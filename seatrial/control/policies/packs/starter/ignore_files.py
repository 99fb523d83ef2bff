"""What tools generate is neither committed nor copied into images.

Looks for generated folders and files in git, for a .gitignore that covers the repository's tools, and for a
.dockerignore beside every Dockerfile that copies its whole context.
"""

import re
from fnmatch import fnmatch
from posixpath import basename, dirname

NAME = "Ignore files"

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
OF_TESTS = re.compile(r"(^|/)(tests?|__tests__|specs?|fixtures?|testdata)/", re.IGNORECASE)
COPIES_ALL = re.compile(
    r"^\s*(COPY|ADD)\s+(--(?!from=)\S+\s+)*(\[\s*\"\./?\"|\./?\s)", re.IGNORECASE | re.MULTILINE
)


def evaluate(project):
    files = project.list_files()
    problems = committed(files) + unignored(project, files) + unfenced(project, files)
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": "Nothing generated is committed or copied into an image.",
        }
    points = sum(cost for cost, _ in problems)
    return {
        "passed": points < 40,
        "score": max(0, 100 - points),
        "message": " ".join(text for _, text in problems[:5]),
        "details": {"problems": [text for _, text in problems]},
    }


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text, or far too much of it
        return ""


def committed(files):
    found = [path for path in files if GENERATED.search(path) and not OF_TESTS.search(path)]
    if not found:
        return []
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [(60, f"Generated and committed: {found[0]}{more}.")]


def unignored(project, files):
    rules = [path for path in files if basename(path) == ".gitignore"]
    if not rules:
        return [(40, "There is no .gitignore.")]
    patterns = [
        line.strip() for text in project.get_files_content(rules).values() for line in text.splitlines()
    ]
    names = {basename(path) for path in files}
    missing = dict.fromkeys(what for tool, what in WANTED if tool in names and not covered(what, patterns))
    return [(15, f".gitignore does not cover {what}/.") for what in missing]


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
        text = read(project, path)
        match = COPIES_ALL.search(text)
        folder = dirname(path)
        near = {
            f"{folder}/.dockerignore" if folder else ".dockerignore",
            ".dockerignore",
            f"{path}.dockerignore",
        }
        if match and not near.intersection(files):
            line = text[: match.start(1)].count("\n") + 1
            problems.append(
                (40, f"{path}:{line} copies everything, .git too, and there is no .dockerignore.")
            )
    return problems
