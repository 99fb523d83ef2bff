"""The code's types are said and checked.

Reads the code itself: the share of functions whose parameters and result have types, and a checker that is configured (mypy, Pyright, ty,
Pyre, basedpyright). Parameter `min_percent` of functions with types; tests do not count.
"""

import ast
import re
from zlib import crc32

NAME = "Python types"
PARAMS = {"min_percent": 60}
TESTS = [
    {"name": "typed and checked", "input": {"files": {"a.py": "def f(a: int) -> int:\n    return a\n", "pyproject.toml": "[tool.mypy]\nstrict = true\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "not checked", "input": {"files": {"a.py": "def f(a: int) -> int: ...\n"}}, "expected": {"passed": False, "score": 60}},
    {"name": "not typed", "input": {"files": {"a.py": "x = 1\n\ndef f(a): ...\n", "mypy.ini": "[mypy]\n"}}, "expected": {"passed": False, "findings": [{"path": "a.py", "line": 3}]}},
    {"name": "methods", "input": {"files": {"a.py": "class A:\n    def f(self) -> None: ...\n", "pyrightconfig.json": "{}"}}, "expected": {"passed": True}},
    {"name": "tests do not count", "input": {"files": {"tests/test_a.py": "def test_a(): ...\n", "a.py": "def f() -> None: ...", "mypy.ini": ""}}, "expected": {"passed": True}},
    {"name": "no function", "input": {"files": {"a.py": "x = 1\n"}}, "expected": {"passed": True}},
]  # fmt: skip

OF_TESTS = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|migrations|vendor|third_party|node_modules)/|(^|/)(test_[^/]*|[^/]*_test|conftest|setup)\.py$"
)
CHECKERS = [
    (r"pyproject\.toml", r"^\s*\[tool\.(mypy|pyright|basedpyright|ty|pyre|pyrefly)\b"), (r"\.?mypy\.ini|pyrightconfig\.json|ty\.toml|\.pyre_configuration|pyrefly\.toml", r"()^"),
    (r"setup\.cfg|tox\.ini", r"^\s*\[(mypy)\b"),
]  # fmt: skip
MOST = 50  # files, spread over all of them and the same as long as they are there: reading them by syntax takes time
CODE = re.compile(r"\.(py|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cs|swift|scala|ex|c|cc|cpp|h|hpp|lua|pl|sh)$")
MANIFESTS = r"(^|/)(pyproject\.toml|setup\.py|setup\.cfg|Pipfile)$"


def evaluate(project, params):
    files = project.files
    if not is_python(files):
        return {"passed": True, "score": 100, "message": f"Little or no Python among {len(files)} files."}
    everything = files.matching(r"\.py$", unless=OF_TESTS)
    code = sorted(sorted(everything, key=lambda path: crc32(path.encode(errors="replace")))[:MOST])
    typed, untyped, unread = 0, [], []
    for path, text in project.read_files(code):
        try:
            with_types, without = counted(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            unread.append(path)
            continue
        typed += with_types
        untyped += [(path, line, name) for line, name in without]
    functions = typed + len(untyped)
    if not functions:
        return {
            "passed": True,
            "score": 100,
            "message": f"No function outside of tests, in {len(code)} files of Python.",
        }
    percent = round(100 * typed / functions)
    checker = configured(project, files)
    note = f" Not understood: {', '.join(unread[:3])}." if unread else ""
    note += f" Read were {MOST:,} of {len(everything):,} files." if everything[MOST:] else ""
    enough = percent >= params["min_percent"]
    how = f"{checker} checks them." if checker else "No checker is configured."
    first = [
        {"path": p, "line": n, "message": f"{name} has no types", "severity": "low"}
        for p, n, name in untyped[:100]
    ]
    return {
        "passed": bool(enough and checker),
        "score": round(percent * (1 if checker else 0.6)),
        "message": f"{percent}% of {functions} functions have types. {how}{note}",
        "findings": [] if enough else first,
        "findings_left_out": 0 if enough else len(untyped[100:]),
    }


def is_python(files):
    """Whether Python is more than a few scripts: it is packaged, or a fifth of the code."""
    return files.count(MANIFESTS) > 0 or files.count(r"\.py$") * 5 >= files.count(CODE) > 0


def counted(module):
    """(functions with types, [(line, name)] of those without). A function within a function does not count."""
    typed, untyped = 0, []
    waiting = list(module.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            waiting += node.body
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            named = [one for one in given if one.arg not in ("self", "cls")]
            if node.returns or (named and all(one.annotation for one in named) and node.name == "__init__"):
                typed += all(one.annotation for one in named)
                untyped += [] if all(one.annotation for one in named) else [(node.lineno, node.name)]
            else:
                untyped.append((node.lineno, node.name))
        elif isinstance(node, ast.If | ast.Try):
            waiting += node.body
    return typed, sorted(untyped)


def configured(project, files):
    for name, pattern in CHECKERS:
        for path, text in project.read_files(files.matching(f"(^|/)({name})$")):
            match = re.search(pattern, text, re.M)
            if match:
                return f"{path}:{text.count(chr(10), 0, match.end()) + 1}"
    return None
