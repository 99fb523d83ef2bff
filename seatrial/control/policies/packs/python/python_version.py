"""The project says which Python it needs, and everywhere the same.

Reads requires-python, python_requires, Poetry's python, .python-version, runtime.txt and Pipfile. A version that another place excludes
fails. Repositories without Python pass.
"""

import re

NAME = "Python version"
TESTS = [
    {"name": "said", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.11'\n", "a.py": ""}}, "expected": {"passed": True, "score": 100, "message": {"contains": "pyproject.toml:2"}}},
    {"name": "not said", "input": {"files": {"pyproject.toml": "[project]\nname = 'a'\n", "a.py": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "two that differ", "input": {"files": {"pyproject.toml": "[project]\nrequires-python = '>=3.12'\n", ".python-version": "3.11\n", "a.py": ""}},
     "expected": {"passed": False, "findings": [{"path": ".python-version", "line": 1}]}},
    {"name": "only the interpreter's", "input": {"files": {".python-version": "3.13.1\n", "a.py": ""}}, "expected": {"passed": True}},
    {"name": "setup.cfg", "input": {"files": {"setup.cfg": "[options]\npython_requires = >=3.9\n", "setup.py": ""}}, "expected": {"passed": True, "message": {"contains": "setup.cfg:2"}}},
    {"name": "no Python", "input": {"files": {"a.go": ""}}, "expected": {"passed": True}},
]  # fmt: skip

PLACES = [
    ("pyproject.toml", r"^\s*requires-python\s*=\s*[\"']([^\"']+)"), ("pyproject.toml", r"^\s*python\s*=\s*[\"']([^\"']+)"),
    ("setup.cfg", r"^\s*python_requires\s*=\s*(.+)"), ("setup.py", r"python_requires\s*=\s*[\"']([^\"']+)"),
    ("Pipfile", r"^\s*python_(?:full_)?version\s*=\s*[\"']([^\"']+)"), (".python-version", r"^\s*(?:cpython-|python-)?(\d+\.\d+\S*)"),
    ("runtime.txt", r"^python-(\d+\.\d+\S*)"), (".tool-versions", r"^python\s+(\d\S*)"), ("mise.toml", r"^\s*python\s*=\s*[\"']([^\"']+)"),
]  # fmt: skip
PYTHON = re.compile(r"\.pyi?$|(^|/)(pyproject\.toml|setup\.(py|cfg)|Pipfile)$")


def evaluate(project):
    files = project.list_files()
    python = next((path for path in files if PYTHON.search(path)), None)
    if python is None:
        return verdict(100, f"No Python among {len(files)} files.", [])
    said = []
    for path, pattern in PLACES:
        text = text_of(project, path) if path in files else ""
        match = re.search(pattern, text, re.M)
        if match:
            said.append((path, text.count("\n", 0, match.start(1)) + 1, match[1].strip()))
    if not said:
        return verdict(
            0,
            "Nothing says which Python is needed; looked at "
            + ", ".join(dict.fromkeys(p for p, _ in PLACES))
            + ".",
            [(python, None, "no version of Python is said")],
        )
    path, line, first = said[0]
    wrong = [
        (p, n, f"{version} is not within {first} of {path}")
        for p, n, version in said[1:]
        if not within(version, first)
    ]
    if wrong:
        return verdict(40, f"{wrong[0][0]}:{wrong[0][1]} says {wrong[0][2]}.", wrong)
    return verdict(100, f"{path}:{line} says {first}.", [])


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
