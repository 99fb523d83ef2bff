"""A lock file fits its manifest.

Compares what the manifests of all ecosystems ask for with the lock file beside them or above them: a dependency that the lock does not
know, or only by versions that the manifest does not ask for, will be chosen anew by whoever installs. Versions are compared for pyproject.toml,
package-lock.json, go.mod, Cargo.toml, composer.json and Gemfile, as far as the usual ways to write them go.
"""

import json
import re
from posixpath import basename

NAME = "Current lock files"
TESTS = [
    {"name": "fits", "input": {"files": {"package.json": '{"dependencies": {"a": "^1"}}', "package-lock.json": '{"packages": {"": {"dependencies": {"a": "^1"}}, "node_modules/a": {}}}'}}, "expected": {"passed": True, "score": 100, "message": {"contains": "package.json by package-lock.json"}}},
    {"name": "another version is asked for", "input": {"files": {"package.json": '{"dependencies": {"a": "^2"}}', "package-lock.json": '{"packages": {"": {"dependencies": {"a": "^1"}}, "node_modules/a": {}}}'}},
     "expected": {"passed": False, "message": {"contains": "a ^2"}}},
    {"name": "forgotten", "input": {"files": {"package.json": '{"dependencies": {\n"b": "1"}}', "package-lock.json": '{"packages": {"": {}}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "Cargo", "input": {"files": {"Cargo.toml": "[dependencies]\nserde = '1'\n", "Cargo.lock": '[[package]]\nname = "a"\n'}}, "expected": {"passed": False}},
    {"name": "uv, written in another way", "input": {"files": {"pyproject.toml": "[project]\ndependencies = ['Ruamel.yaml>=1']\n", "uv.lock": '[[package]]\nname = "ruamel-yaml"\n'}}, "expected": {"passed": True}},
    {"name": "Go", "input": {"files": {"go.mod": "module a\nrequire b.test/c v1.2.3\nrequire b.test/d v1.0.0\nreplace b.test/d => ./d\n", "go.sum": "b.test/x v1.0.0 h1:x=\n"}}, "expected": {"passed": False, "findings": [{"path": "go.mod", "line": 2}]}},
    {"name": "pnpm, above", "input": {"files": {"web/package.json": '{"dependencies": {"a": "^1", "b": "workspace:*"}}', "pnpm-lock.yaml": "packages:\n  a@1.0.0:\n    resolution: {}\n"}}, "expected": {"passed": True}},
    {"name": "an empty lock file", "input": {"files": {"composer.json": '{"require": {"a/b": "^1"}}', "composer.lock": ""}}, "expected": {"passed": False}},
    {"name": "no lock file", "input": {"files": {"package.json": '{"dependencies": {"a": "1"}}'}}, "expected": {"passed": True, "message": {"contains": "No lock file"}}},
    {"name": "another version of a crate", "input": {"files": {"Cargo.toml": "[package]\nname = \"a\"\n[dependencies]\nx = \"2\"\n", "Cargo.lock": "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n"}}, "expected": {"passed": False, "findings": [{"path": "Cargo.toml", "line": 4}]}},
    {"name": "another version of a module", "input": {"files": {"go.mod": "module a\n\nrequire x.test/b v1.1.0\n", "go.sum": "x.test/b v1.0.0 h1:a=\n"}}, "expected": {"passed": False, "findings": [{"path": "go.mod", "line": 3}]}},
]  # fmt: skip

VENDORED = [
    "node_modules/",
    "vendor/",
    "third_party/",
]  # there may be thousands, of which nobody wants to hear
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")
NOT_LOCKED = ("build", "peer", "replace")  # groups that lock files need not hold


def evaluate(project):
    found = project.get_manifests(exclude=VENDORED)
    manifests = [one for one in found if one["lock"] and not SKIPPED.search(one["path"])]
    note = f" Not looked at: {len(found.left_out):,} more manifests." if found.left_out else ""
    problems = []
    for one in manifests:
        problems += [
            (one["path"], error["line"], f"cannot be compared with {one['lock']}: {error['message']}")
            for error in one["errors"]
        ]
        problems += missing(one) or other_versions(project, one)
    if not problems:
        pairs = ", ".join(f"{one['path']} by {one['lock']}" for one in manifests[:5])
        what = (
            f"Lock files know what is asked for: {pairs}." if manifests else "No lock file beside a manifest."
        )
        return {"passed": True, "score": 100, "message": f"{what}{note}"}
    return {
        "passed": False,
        "score": max(0, 60 - 10 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f".{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def missing(manifest):
    """What the lock file does not know."""
    dependencies = manifest["dependencies"]
    replaced = {one["name"] for one in dependencies if one["group"] == "replace"}
    return [
        asked(manifest, one)
        for one in dependencies
        if one["locked"] is False
        and one["group"] not in NOT_LOCKED
        and one["source"] not in ("path", "workspace")
        and one["name"] not in replaced
    ]


def other_versions(project, manifest):
    """What package-lock.json knows by another version than package.json asks for now."""
    if basename(manifest["lock"]) not in ("package-lock.json", "npm-shrinkwrap.json"):
        return []
    folder = (
        manifest["path"][: -len("package.json")].removeprefix(manifest["lock"].rpartition("/")[0]).strip("/")
    )
    try:
        top = json.loads(project.get_file_content(manifest["lock"]) or "{}").get("packages", {}).get(folder)
        known = {
            **top.get("devDependencies", {}),
            **top.get("optionalDependencies", {}),
            **top.get("dependencies", {}),
        }
    except (ValueError, TypeError, AttributeError, RecursionError):  # none of that form, or above 1 MB
        return []
    return [
        asked(manifest, one)
        for one in manifest["dependencies"]
        if one["group"] != "peer" and known.get(one["name"], one["spec"]) != one["spec"]
    ]


def asked(manifest, dependency):
    name = f"{dependency['name']} {dependency['spec'][:80]}".strip()
    return manifest["path"], dependency["line"], f"asks for {name}, which {manifest['lock']} does not have"
