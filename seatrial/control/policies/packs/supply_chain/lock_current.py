"""A lock file fits its manifest.

Compares what package.json, Cargo.toml and pyproject.toml ask for with package-lock.json, Cargo.lock, uv.lock and poetry.lock beside
them: a dependency that the lock does not know will be chosen anew by whoever installs.
"""

import json
import re
import tomllib
from posixpath import basename, dirname, join

NAME = "Current lock files"
TESTS = [
    {"name": "fits", "input": {"files": {"package.json": '{"dependencies": {"a": "^1"}}', "package-lock.json": '{"packages": {"": {"dependencies": {"a": "^1"}}, "node_modules/a": {}}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "another version is asked for", "input": {"files": {"package.json": '{"dependencies": {"a": "^2"}}', "package-lock.json": '{"packages": {"": {"dependencies": {"a": "^1"}}}}'}},
     "expected": {"passed": False, "message": {"contains": "a ^2"}}},
    {"name": "forgotten", "input": {"files": {"package.json": '{"dependencies": {\n"b": "1"}}', "package-lock.json": '{"packages": {"": {}}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "Cargo", "input": {"files": {"Cargo.toml": "[dependencies]\nserde = '1'\n", "Cargo.lock": '[[package]]\nname = "a"\n'}}, "expected": {"passed": False}},
    {"name": "uv, written in another way", "input": {"files": {"pyproject.toml": "[project]\ndependencies = ['Ruamel.yaml>=1']\n", "uv.lock": '[[package]]\nname = "ruamel-yaml"\n'}}, "expected": {"passed": True}},
    {"name": "no lock file", "input": {"files": {"package.json": '{"dependencies": {"a": "1"}}'}}, "expected": {"passed": True, "message": {"contains": "No lock file"}}},
]  # fmt: skip

PAIRS = [
    ("package.json", "package-lock.json"),
    ("Cargo.toml", "Cargo.lock"),
    ("pyproject.toml", "uv.lock"),
    ("pyproject.toml", "poetry.lock"),
]
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")


def evaluate(project):
    files = set(project.list_files())
    compared, problems = [], []
    for path in sorted(files):
        for manifest, lock in PAIRS:
            beside = join(dirname(path), lock)
            if basename(path) == manifest and beside in files and not SKIPPED.search(path):
                try:
                    text = text_of(project, path)
                    missing = list(FITS[lock](text, text_of(project, beside)))
                except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
                    problems.append((path, 1, f"cannot be compared with {beside}: {str(error)[:80]}"))
                    continue
                compared.append(beside)
                problems += [
                    (path, line_of(text, name), f"asks for {name} {version}, which {beside} does not have")
                    for name, version in missing
                ]
    if not problems:
        what = (
            f"Fit their manifests: {', '.join(compared[:5])}."
            if compared
            else "No lock file beside a manifest that this policy compares."
        )
        return {"passed": True, "score": 100, "message": what}
    return {
        "passed": False,
        "score": max(0, 60 - 10 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:500]
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def npm(text, lock):
    asked, top = json.loads(text), json.loads(lock).get("packages", {}).get("")
    for kind in ("dependencies", "devDependencies", "optionalDependencies") if isinstance(top, dict) else ():
        known = top.get(kind) or {}
        yield from (
            (name, version) for name, version in (asked.get(kind) or {}).items() if known.get(name) != version
        )


def cargo(text, lock):
    data, known = tomllib.loads(text), names(lock)
    for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
        for name, spec in data.get(kind, {}).items():
            real = spec.get("package", name) if isinstance(spec, dict) else name
            if same(real) not in known:
                yield name, ""


def python(text, lock):
    known = names(lock)
    data = tomllib.loads(text)
    poetry = [
        name for name in data.get("tool", {}).get("poetry", {}).get("dependencies", {}) if name != "python"
    ]
    for one in [*data.get("project", {}).get("dependencies", []), *poetry]:
        name = re.split(r"[\[<>=!~;@ (]", str(one))[0]
        if same(name) not in known:
            yield name, ""


def names(lock):
    return {same(package["name"]) for package in tomllib.loads(lock).get("package", [])}


def same(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def line_of(text, name):
    return text.count("\n", 0, max(text.find(f'"{name}"'), text.find(name), 0)) + 1


FITS = {"package-lock.json": npm, "Cargo.lock": cargo, "uv.lock": python, "poetry.lock": python}
