"""One package manager, and everybody uses the same.

There is one lock file in each folder with a package.json at most, and it is that of the manager that `packageManager` and workflows name.
"""

import json
import re
from posixpath import basename, dirname, join

NAME = "One package manager"
TESTS = [
    {"name": "one", "input": {"files": {"package.json": '{"packageManager": "pnpm@9.0.0"}', "pnpm-lock.yaml": "a"}}, "expected": {"passed": True, "score": 100}},
    {"name": "two lock files", "input": {"files": {"package.json": "{}", "package-lock.json": "{}", "yarn.lock": "a"}}, "expected": {"passed": False, "findings": 2}},
    {"name": "another than is named", "input": {"files": {"package.json": '{\n"packageManager": "pnpm@9.0.0"}', "yarn.lock": "a"}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "another in a workflow", "input": {"files": {"package.json": "{}", "pnpm-lock.yaml": "a", ".github/workflows/a.yml": "steps:\n- run: npm ci\n"}}, "expected": {"passed": False, "findings": [{"path": ".github/workflows/a.yml", "line": 2}]}},
    {"name": "none", "input": {"files": {"package.json": "{}"}}, "expected": {"passed": True}},
    {"name": "npm beside pnpm's own", "input": {"files": {"package.json": "{}", "pnpm-lock.yaml": "a", ".github/workflows/a.yml": "- run: npm install -g pnpm\n- run: pnpm install --frozen-lockfile\n"}}, "expected": {"passed": True}},
]  # fmt: skip

LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|__tests__|fixtures?|examples?|templates?)/"
)
INSTALLS = re.compile(
    r"\b(npm ci|npm (?:i|install)(?! -g| --global|\s+\S*(?:pnpm|yarn|corepack|bun))|yarn install|pnpm (?:i|install)|bun install)\b(?! -g| --global)"
)


def evaluate(project):
    here = {}
    for path in project.files.matching(f"(^|/)({'|'.join(map(re.escape, LOCKS))})$", unless=SKIPPED):
        here.setdefault(dirname(path), {}).setdefault(LOCKS[basename(path)], path)
    problems = []
    for folder, managers in here.items():
        if len(managers) > 1:
            problems += [
                (
                    path,
                    None,
                    f"is one of several lock files in {folder or 'the root'}: {', '.join(sorted(managers))}",
                )
                for path in managers.values()
            ]
            continue
        [manager] = managers
        problems += named_otherwise(project, join(folder, "package.json"), manager)
        if len(here) == 1:
            problems += run_otherwise(project, manager)
    if not problems:
        what = ", ".join(
            f"{path} ({manager})" for managers in here.values() for manager, path in managers.items()
        )
        return {
            "passed": True,
            "score": 100,
            "message": f"One package manager: {what}." if what else "No lock file of a package manager.",
        }
    return {
        "passed": False,
        "score": max(0, 60 - 20 * (len(problems) - 1)),
        "message": "; ".join(
            f"{path}{f':{line}' if line else ''} {text}" for path, line, text in problems[:3]
        )
        + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:200]
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def named_otherwise(project, path, manager):
    text = text_of(project, path) or "{}"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    named = str(data.get("packageManager", "")).split("@")[0] if isinstance(data, dict) else ""
    if named and named != manager:
        line = text.count("\n", 0, max(text.find('"packageManager"'), 0)) + 1
        return [(path, line, f"names {named}, and the lock file is {manager}'s")]
    return []


def run_otherwise(project, manager):
    found = []
    for path, text in project.read_files(
        project.files.matching(r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|Dockerfile", whole=True)
    ):
        used = [(match, match[1].split()[0]) for match in INSTALLS.finditer(text)]
        if used and manager not in {name for _, name in used}:
            match, name = used[0]
            found.append(
                (
                    path,
                    text.count("\n", 0, match.start()) + 1,
                    f"installs with {name}, and the lock file is {manager}'s",
                )
            )
    return found
