"""Dependencies come from registries, not from addresses that somebody may change.

Looks into all manifests for dependencies from an address, a branch or a folder outside the repository. A whole commit and a checksum pass.
Parameter `allow`: patterns of dependencies that may.
"""

import re
from fnmatch import fnmatch
from posixpath import dirname, join, normpath

NAME = "Sources of dependencies"
PARAMS = {"allow": []}
TESTS = [
    {"name": "from registries", "input": {"files": {"package.json": '{"dependencies": {"a": "^1.0"}}', "pyproject.toml": "[project]\ndependencies = ['b>=1']"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "package.json, pyproject.toml"}}},
    {"name": "a branch, for npm", "input": {"files": {"package.json": '{"dependencies": {\n"a": "github:b/a#main"}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "a whole commit", "input": {"files": {"package.json": '{"dependencies": {"a": "git+https://x.test/a#0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"}}'}}, "expected": {"passed": True}},
    {"name": "an address, for pip", "input": {"files": {"requirements.txt": "a==1\nb @ https://x.test/b.zip\n"}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
    {"name": "a branch, for uv", "input": {"files": {"pyproject.toml": "[project]\ndependencies = [\n'a']\n[tool.uv.sources]\na = {git = 'https://x.test/a', branch = 'main'}\n"}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "a branch, for Cargo", "input": {"files": {"Cargo.toml": '[dependencies]\na = { git = "https://x.test/a", branch = "main" }\n'}}, "expected": {"passed": False}},
    {"name": "a branch, for Composer and Bundler", "input": {"files": {"composer.json": '{"require": {"a/b": "dev-main"}}', "Gemfile": "gem 'c', git: 'https://x.test/c', branch: 'main'\n"}}, "expected": {"passed": False, "findings": 2}},
    {"name": "replaced, for Go", "input": {"files": {"go.mod": "module a\n\nreplace b => ../b\n"}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "within the repository", "input": {"files": {"go.mod": "module a\nreplace b => ./b\n", "package.json": '{"dependencies": {"c": "workspace:*", "d": "file:./d"}}', "api/package.json": '{"dependencies": {"e": "link:../e"}}'}}, "expected": {"passed": True}},
    {"name": "a folder of Cargo's workspace", "input": {"files": {"Cargo.toml": "[dependencies]\na = { path = 'crates/a' }\n"}}, "expected": {"passed": True}},
    {"name": "allowed", "input": {"files": {"package.json": '{"dependencies": {"a": "github:b/a"}}'}}, "params": {"allow": ["a"]}, "expected": {"passed": True}},
]  # fmt: skip

VENDORED = [
    "node_modules/",
    "vendor/",
    "third_party/",
]  # there may be thousands, of which nobody wants to hear
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?|examples?)/")
FOLDER = re.compile(
    r"^@?\s*(?:path |file:|link:|portal:)?(?://)?([^#\s]+)|path[\"']?\s*(?::|=>)\s*[\"']([^\"']+)"
)


def evaluate(project, params):
    found = project.get_manifests(exclude=VENDORED)
    manifests = [one for one in found if not SKIPPED.search(one["path"])]
    counted = sum(len(one["dependencies"]) for one in manifests)
    unread = [f"{one['path']}: {error['message']}" for one in manifests for error in one["errors"]]
    problems = [
        (one["path"], dependency["line"], f"{dependency['name']} comes from {dependency['spec'][:100]}")
        for one in manifests
        for dependency in one["dependencies"]
        if elsewhere(one["path"], dependency)
        and not any(fnmatch(dependency["name"], pattern) for pattern in params["allow"])
    ]
    note = f" Not understood: {'; '.join(unread[:3])}." if unread else ""
    note += f" Not looked at: {len(found.left_out):,} more." if found.left_out else ""
    if not problems:
        where = ", ".join(one["path"] for one in manifests[:5])
        message = (
            f"{counted} dependencies in {len(manifests)} manifests ({where}) come from registries."
            if manifests
            else "No manifest."
        )
        return {"passed": True, "score": 100, "message": f"{message}{note}"}
    return {
        "passed": False,
        "score": max(0, 70 - 10 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f".{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def elsewhere(path, dependency):
    """Whether it comes from where somebody may change it: not from a registry, and not from this repository."""
    if dependency["source"] in ("git", "url"):
        return not dependency["pinned"]
    if dependency["source"] != "path":
        return False
    folder = FOLDER.search(dependency["spec"])
    named = (folder[1] or folder[2]) if folder else ""
    return named.startswith(("/", "~")) or normpath(join(dirname(path), named)).startswith("..")
