"""package.json is valid and says what the package is.

Each package.json must be JSON without a key given twice, with a name; one that can be published also needs a version, a licence and the
files that it names (`main`, `bin`, `types` that are in the repository's source). Repositories without JavaScript pass.
"""

import json
import re

NAME = "package.json"
TESTS = [
    {"name": "private", "input": {"files": {"package.json": '{"name": "a", "private": true}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "to be published", "input": {"files": {"package.json": '{"name": "a", "version": "1.0.0", "license": "MIT", "description": "b"}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "without a licence", "input": {"files": {"package.json": '{"name": "a", "version": "1.0.0", "description": "b"}'}}, "expected": {"passed": True, "score": 85, "findings": 1}},
    {"name": "not JSON", "input": {"files": {"package.json": '{\n"name": "a",\n}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 3}]}},
    {"name": "a key twice", "input": {"files": {"package.json": '{"name": "a", "private": true, "scripts": {"a": "1", "a": "2"}}'}}, "expected": {"passed": False, "message": {"contains": "a is there twice"}}},
    {"name": "missing", "input": {"files": {"a.js": "", "b.js": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "no JavaScript", "input": {"files": {"a.py": ""}}, "expected": {"passed": True}},
]  # fmt: skip

SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|__tests__|fixtures?|examples?|templates?)/"
)
CODE = re.compile(r"\.(js|ts|jsx|tsx|mjs|cjs)$")
SEMVER = re.compile(r"\d+\.\d+\.\d+([-+].*)?")


class Twice(ValueError):
    """A key is there twice."""


def evaluate(project):
    files = project.files
    manifests = files.matching(r"(^|/)package\.json$", unless=SKIPPED)
    if not manifests:
        code = files.count(CODE, unless=SKIPPED)
        if code > 1 and code * 2 > files.count(r"[^/]\.[^/]*$"):
            first = files.matching(CODE, unless=SKIPPED, most=1)[0]
            return verdict(
                0,
                f"{code} files of JavaScript, such as {first}, and no package.json.",
                [(first, None, "no package.json", "medium")],
            )
        return verdict(100, f"No package.json, and little or no JavaScript among {len(files)} files.", [])
    problems = []
    for path in manifests:
        problems += [(path, *one) for one in judge(text_of(project, path))]
    if not problems:
        return verdict(100, f"Whole: {', '.join(manifests[:5])}.", [])
    grave = [one for one in problems if one[3] == "medium"]
    path, line, text, _ = (grave or problems)[0]
    return verdict(0 if grave else max(70, 100 - 15 * len(problems)), f"{path}:{line} {text}.", problems)


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(text):
    try:
        data = json.loads(text, object_pairs_hook=once)
    except Twice as error:
        yield text.count("\n", 0, max(text.rfind(f'"{error}"'), 0)) + 1, f"{error} is there twice", "medium"
        return
    except (ValueError, RecursionError) as error:
        yield getattr(error, "lineno", 1), f"not valid JSON: {getattr(error, 'msg', error)}", "medium"
        return
    if not isinstance(data, dict):
        yield 1, "is no object", "medium"
        return
    if not data.get("name") and not data.get("private") and not data.get("workspaces"):
        yield 1, "says no name", "medium"
    if data.get("private") or not data.get("name"):
        return
    if not SEMVER.fullmatch(str(data.get("version", ""))):
        yield 1, "says no version that npm accepts, and is not private", "low"
    for key in ("license", "description"):
        if not data.get(key):
            yield 1, f"says no {key}, and is not private", "low"


def once(pairs):
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise Twice(key)
        seen.add(key)
    return dict(pairs)


def verdict(score, message, problems):
    found = [{"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
