"""A package says what it is: pyproject.toml is valid and complete.

For each pyproject.toml with `[project]`: name, version (or dynamic), description, README, licence, requires-python; files that it names
exist; `[build-system]` is there. Poetry's own table counts alike. Without any, it passes.
"""

import re
import tomllib
from posixpath import dirname, join

NAME = "Python package metadata"
TESTS = [
    {"name": "complete", "input": {"files": {"pyproject.toml": "[build-system]\nrequires = ['hatchling']\n[project]\nname = 'a'\nversion = '1'\ndescription = 'b'\nreadme = 'README.md'\nlicense = 'MIT'\nrequires-python = '>=3.11'\n", "README.md": "x"}},
     "expected": {"passed": True, "score": 100}},
    {"name": "much is missing", "input": {"files": {"pyproject.toml": "[project]\nname = 'a'\n"}}, "expected": {"passed": False, "message": {"contains": "description"}}},
    {"name": "a README that is not there", "input": {"files": {"pyproject.toml": "[build-system]\nrequires = ['hatchling']\n[project]\nname = 'a'\nversion = '1'\ndescription = 'b'\nreadme = 'README.rst'\nlicense = 'MIT'\nrequires-python = '>=3.11'\n"}},
     "expected": {"passed": False, "findings": [{"path": "pyproject.toml", "line": 7}]}},
    {"name": "broken", "input": {"files": {"pyproject.toml": "[project\n"}}, "expected": {"passed": False, "score": 0}},
    {"name": "only tools", "input": {"files": {"pyproject.toml": "[tool.ruff]\n"}}, "expected": {"passed": True}},
    {"name": "Poetry", "input": {"files": {"pyproject.toml": "[build-system]\nrequires = ['poetry-core']\n[tool.poetry]\nname = 'a'\nversion = '1'\ndescription = 'b'\nlicense = 'MIT'\nreadme = 'R.md'\n[tool.poetry.dependencies]\npython = '^3.11'\n", "R.md": ""}},
     "expected": {"passed": True}},
]  # fmt: skip

SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|templates?)/"
)
WANTED = ("name", "version", "description", "readme", "license", "requires-python")


def evaluate(project):
    files = project.files
    problems, packages = [], []
    for path in files.matching(r"(^|/)pyproject\.toml$", unless=SKIPPED):
        text = text_of(project, path)
        try:
            data = tomllib.loads(text)
            found = list(judge(path, text, data, files))
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            return verdict(0, f"{path} is not valid: {error}.", [(path, 1, f"not valid: {error}", "medium")])
        if found and found[0] is None:
            continue
        packages.append(path)
        problems += found
    if not packages:
        return verdict(100, "No pyproject.toml describes a package.", [])
    if not problems:
        return verdict(100, f"Complete: {', '.join(packages[:5])}.", [])
    grave = [one for one in problems if one[3] == "medium"]
    score = max(0, 100 - 20 * len(grave) - 8 * (len(problems) - len(grave)))
    return verdict(
        min(score, 60) if grave else score,
        "; ".join(f"{p}:{n} {text}" for p, n, text, _ in problems[:4]) + ".",
        problems,
    )


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(path, text, data, files):
    """Problems; None first if it describes no package."""
    poetry = data.get("tool", {}).get("poetry", {})
    table = data.get("project") or (poetry if poetry.get("package-mode", True) else {})
    if not table:
        yield None
        return
    dynamic = table.get("dynamic", [])
    at = line_of(text, r"\[(project|tool\.poetry)\]")
    for key in WANTED:
        given = table.get(key) or (key == "requires-python" and poetry.get("dependencies", {}).get("python"))
        if not given and key not in dynamic:
            level = "medium" if key in ("name", "version", "description", "requires-python") else "low"
            yield path, at, f"says no {key}", level
    readme = table.get("readme")
    readme = readme.get("file") if isinstance(readme, dict) else readme
    for one in readme if isinstance(readme, list) else [readme] if readme else []:
        if join(dirname(path), str(one)) not in files:
            yield path, line_of(text, r"readme\s*="), f"names {one}, which is not there", "medium"
    if "build-system" not in data and "tool" not in data:
        yield path, 1, "has no [build-system]", "low"


def line_of(text, pattern):
    match = re.search(pattern, text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def verdict(score, message, problems):
    found = [{"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
