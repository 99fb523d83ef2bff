"""A linter reads every change.

Looks for the configuration of Ruff, Flake8, Pylint or another, and for a place that runs it: pre-commit, a workflow, tox, nox, a Makefile.
A configuration that nothing runs counts half.
"""

import re

NAME = "Python linter"
TESTS = [
    {"name": "configured and run", "input": {"files": {"a.py": "", "pyproject.toml": "[tool.ruff]\nline-length = 100\n", ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - run: ruff check .\n"}},
     "expected": {"passed": True, "score": 100, "message": {"contains": "a.yml:5"}}},
    {"name": "by pre-commit", "input": {"files": {"a.py": "", ".flake8": "[flake8]\n", ".pre-commit-config.yaml": "repos:\n- repo: https://github.com/PyCQA/flake8\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "nothing runs it", "input": {"files": {"a.py": "", "ruff.toml": "line-length = 100\n"}}, "expected": {"passed": False, "score": 50}},
    {"name": "run without a configuration", "input": {"files": {"a.py": "", "Makefile": "lint:\n\truff check .\n"}}, "expected": {"passed": True, "score": 90}},
    {"name": "nothing", "input": {"files": {"a.py": "", "pyproject.toml": "[project]\n"}}, "expected": {"passed": False, "score": 0}},
    {"name": "no Python", "input": {"files": {"a.go": ""}}, "expected": {"passed": True}},
]  # fmt: skip

LINTERS = r"ruff|flake8|pylint|pycodestyle|pyflakes|prospector|pylama|wemake-python-styleguide"
CONFIGURED = [
    (r"pyproject\.toml", rf"^\s*\[tool\.({LINTERS})\b"), (r"\.?ruff\.toml", r"()^"), (r"\.flake8|\.pylintrc|pylintrc|\.prospector\.ya?ml", r"()^"),
    (r"setup\.cfg|tox\.ini", rf"^\s*\[({LINTERS})\b"),
]  # fmt: skip
RUNNERS = re.compile(
    r"\.pre-commit-config\.yaml|\.github/workflows/[^/]+\.ya?ml|\.(gitea|forgejo)/workflows/[^/]+|\.gitlab-ci\.yml|\.circleci/config\.yml|Makefile|justfile|tox\.ini|tox\.toml|noxfile\.py"
    r"|Taskfile\.ya?ml|scripts?/[^/]+|\.ci/[^/]+|azure-pipelines\.yml|\.travis\.yml|lefthook\.yml"
)
RUN = re.compile(rf"^(?!\s*#).*\b({LINTERS}|super-linter|megalinter)\b", re.M)
CODE = re.compile(r"\.(py|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cs|swift|scala|ex|c|cc|cpp|h|hpp|lua|pl|sh)$")
MANIFESTS = r"(^|/)(pyproject\.toml|setup\.py|setup\.cfg|Pipfile)$"


def evaluate(project):
    files = project.files
    if not is_python(files):
        return verdict(100, f"Little or no Python among {len(files)} files.")
    configured = None
    for name, pattern in CONFIGURED:
        for path, text in project.read_files(
            sorted(
                files.matching(f"(^|/)({name})$"),
                key=lambda path: path.count("/"),
            )
        ):
            match = re.search(pattern, text, re.M)
            configured = configured or (match and f"{path}:{text.count(chr(10), 0, match.end()) + 1}")
    for path, text in project.read_files(files.matching(RUNNERS, whole=True)):
        match = RUN.search(text)
        if match:
            place = f"{path}:{text.count(chr(10), 0, match.start(1)) + 1}"
            if configured:
                return verdict(100, f"{place} runs {match[1]}; {configured} configures it.")
            return verdict(90, f"{place} runs {match[1]}, as it comes.")
    if configured:
        return verdict(
            50,
            f"{configured} configures a linter, and nothing runs it: no workflow, no pre-commit, no Makefile.",
            configured,
        )
    return verdict(0, f"No linter is configured and none is run, among {len(files)} files.", "")


def is_python(files):
    """Whether Python is more than a few scripts: it is packaged, or a fifth of the code."""
    return files.count(MANIFESTS) > 0 or files.count(r"\.py$") * 5 >= files.count(CODE) > 0


def verdict(score, message, place=None):
    path, _, line = (place or "").rpartition(":")
    found = (
        []
        if score >= 70
        else [{"path": path, "line": int(line) if line else None, "message": message, "severity": "low"}]
    )
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
