"""The project says which Python it needs, and everywhere the same.

Reads requires-python, python_requires, Poetry's python, .python-version, runtime.txt and Pipfile. A version that another place excludes
fails. Each package of a repository says it for itself, unless the root does for all.
Repositories with little or no Python pass.
"""

import re
from posixpath import dirname, join

NAME = "Python version"
TESTS = [
    {"name": "said", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.11'\n", "a.py": ""}}, "expected": {"passed": True, "score": 100, "message": {"contains": "pyproject.toml:2"}}},
    {"name": "not said", "input": {"files": {"pyproject.toml": "[project]\nname = 'a'\n", "a.py": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "two that differ", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.12'\n", ".python-version": "3.11\n", "a.py": ""}},
     "expected": {"passed": False, "findings": [{"path": ".python-version", "line": 1}]}},
    {"name": "only the interpreter's", "input": {"files": {".python-version": "3.13.1\n", "a.py": ""}}, "expected": {"passed": True}},
    {"name": "setup.cfg", "input": {"files": {"setup.cfg": "[options]\npython_requires = >=3.9\n", "setup.py": ""}}, "expected": {"passed": True, "message": {"contains": "setup.cfg:2"}}},
    {"name": "of each package", "input": {"files": {"a/pyproject.toml": "[project]\nrequires-python = '>=3.11'\n", "b/pyproject.toml": "[project]\n", "a/a.py": ""}}, "expected": {"passed": False, "findings": [{"path": "b/pyproject.toml"}]}},
    {"name": "no Python", "input": {"files": {"a.go": ""}}, "expected": {"passed": True}},
]  # fmt: skip

PLACES = [
    ("pyproject.toml", r"^\s*requires-python\s*=\s*[\"']([^\"']+)"), ("pyproject.toml", r"^\s*python\s*=\s*[\"']([^\"']+)"),
    ("setup.cfg", r"^\s*python_requires\s*=\s*(.+)"), ("setup.py", r"python_requires\s*=\s*[\"']([^\"']+)"),
    ("Pipfile", r"^\s*python_(?:full_)?version\s*=\s*[\"']([^\"']+)"), (".python-version", r"^\s*(?:cpython-|python-)?(\d+\.\d+\S*)"),
    ("runtime.txt", r"^python-(\d+\.\d+\S*)"), (".tool-versions", r"^python\s+(\d\S*)"), ("mise.toml", r"^\s*python\s*=\s*[\"']([^\"']+)"),
]  # fmt: skip
CODE = re.compile(r"\.(py|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cs|swift|scala|ex|c|cc|cpp|h|hpp|lua|pl|sh)$")
SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|templates?|docs?)/"
)
MANIFESTS = r"(^|/)(pyproject\.toml|setup\.py|setup\.cfg|Pipfile)$"


def evaluate(project):
    files = project.files
    if not is_python(files):
        return verdict(100, f"Little or no Python among {len(files)} files.", [])
    folders = sorted({dirname(path) for path in files.matching(MANIFESTS, unless=SKIPPED)} | {""})
    there = files.among(join(folder, name) for folder in folders for name, _ in PLACES)
    said = {folder: said_in(project, folder, there) for folder in folders}
    whole = [one for folder in folders for one in said[folder]]
    silent = [folder for folder in folders[1:] if not said[folder] and not said[""]]
    if not whole:
        looked = ", ".join(dict.fromkeys(path for path, _ in PLACES))
        nothing = f"Nothing says which Python is needed; looked at {looked} of {len(folders)} folders."
        return verdict(0, nothing, [("", None, "no version of Python is said")])
    if silent:
        problems = [(f"{folder}/pyproject.toml", None, "no version of Python is said") for folder in silent]
        return verdict(40, f"Nothing says which Python is needed in {', '.join(silent[:3])}.", problems)
    wrong = [
        (p, n, f"{version} is not within {own[0][2]} of {own[0][0]}")
        for own in said.values()
        for p, n, version in own[1:]
        if not within(version, own[0][2])
    ]
    if wrong:
        return verdict(40, f"{wrong[0][0]}:{wrong[0][1]} says {wrong[0][2]}.", wrong)
    path, line, first = whole[0]
    more = f", and {len(whole) - 1} more places agree" if whole[1:] else ""
    return verdict(100, f"{path}:{line} says {first}{more}.", [])


def said_in(project, folder, files):
    """(path, line, version) of each place in a folder."""
    found = []
    for name, pattern in PLACES:
        path = join(folder, name)
        text = text_of(project, path) if path in files else ""
        match = re.search(pattern, text, re.M)
        if match:
            found.append((path, text.count("\n", 0, match.start(1)) + 1, match[1].strip()))
    return found


def is_python(files):
    """Whether Python is more than a few scripts: it is packaged, or a fifth of the code."""
    return files.count(MANIFESTS) > 0 or files.count(r"\.py$") * 5 >= files.count(CODE) > 0


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def within(version, wanted):
    """Whether the lowest version that is meant is one that is wanted. What is not understood is."""
    meant = re.search(r"(\d+)\.(\d+)", version)
    if not meant:
        return True
    number = (int(meant[1]), int(meant[2]))
    for sign, major, minor in re.findall(r"(>=|<=|==|~=|!=|\^|~|>|<|)\s*(\d+)\.(\d+)", wanted):
        limit = (int(major), int(minor))
        if sign in (">=", "~=", "^", "~", ">") and number < limit:
            return False
        if (sign == "<" and number >= limit) or (sign == "<=" and number > limit):
            return False
        if sign in ("==", "") and number != limit:
            return False
    return True


def verdict(score, message, problems):
    found = [
        {"path": path, "line": line, "message": text, "severity": "medium"} for path, line, text in problems
    ]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
