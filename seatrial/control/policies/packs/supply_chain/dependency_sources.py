"""Dependencies come from registries, not from addresses that somebody may change.

Looks into package.json, pyproject.toml, requirements files, Cargo.toml, go.mod and Gemfile for dependencies from an address, a branch
or a folder outside the repository. A whole commit passes. Parameter `allow`: patterns of dependencies that may.
"""

import json
import re
import tomllib
from fnmatch import fnmatch
from posixpath import basename

NAME = "Sources of dependencies"
PARAMS = {"allow": []}
TESTS = [
    {"name": "from registries", "input": {"files": {"package.json": '{"dependencies": {"a": "^1.0"}}', "pyproject.toml": "[project]\ndependencies = ['b>=1']"}}, "expected": {"passed": True, "score": 100}},
    {"name": "a branch, for npm", "input": {"files": {"package.json": '{"dependencies": {\n"a": "github:b/a#main"}}'}}, "expected": {"passed": False, "findings": [{"path": "package.json", "line": 2}]}},
    {"name": "a whole commit", "input": {"files": {"package.json": '{"dependencies": {"a": "git+https://x.test/a#0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"}}'}}, "expected": {"passed": True}},
    {"name": "an address, for pip", "input": {"files": {"requirements.txt": "a==1\nb @ https://x.test/b.zip\n"}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
    {"name": "a branch, for Cargo", "input": {"files": {"Cargo.toml": '[dependencies]\na = { git = "https://x.test/a", branch = "main" }\n'}}, "expected": {"passed": False}},
    {"name": "replaced, for Go", "input": {"files": {"go.mod": "module a\n\nreplace b => ../b\n"}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "within the repository", "input": {"files": {"go.mod": "module a\nreplace b => ./b\n", "package.json": '{"dependencies": {"c": "workspace:*", "d": "file:./d"}}'}}, "expected": {"passed": True}},
    {"name": "a folder of Cargo's workspace", "input": {"files": {"Cargo.toml": "[dependencies]\na = { path = 'crates/a' }\n"}}, "expected": {"passed": True}},
    {"name": "allowed", "input": {"files": {"package.json": '{"dependencies": {"a": "github:b/a"}}'}}, "params": {"allow": ["a"]}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(r"package\.json|pyproject\.toml|requirements[\w.-]*\.txt|Cargo\.toml|go\.mod|Gemfile")
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?|examples?)/")
COMMIT = re.compile(r"[@#=][0-9a-f]{40}\b|sha(256|384|512)[=:-]|rev[\"' =:]+[0-9a-f]{40}")
REMOTE = re.compile(
    r"(git|hg|svn)\+|^(git|https?|ssh|ftp):|^(github|gitlab|bitbucket|gist):|^(?!\.)[\w.-]+/[\w.-]+(#.*)?$|git@"
)
OUTSIDE = re.compile(r"^(file:|link:|portal:)?(\.\./|/|~/)")


def evaluate(project, params):
    files = [
        path for path in project.list_files() if FILE.fullmatch(basename(path)) and not SKIPPED.search(path)
    ]
    problems, counted, unread = [], 0, []
    for path, text in project.read_files(files):
        try:
            found = list(dependencies(basename(path), text))
        except (ValueError, TypeError, AttributeError, RecursionError):
            unread.append(path)
            continue
        for name, source, line in found:
            counted += 1
            if (
                source
                and not COMMIT.search(source)
                and not any(fnmatch(name, pattern) for pattern in params["allow"])
            ):
                outside = OUTSIDE.match(source) and (
                    path.count("/") < source.count("../") or not source.count("../")
                )
                if REMOTE.search(source) or outside:
                    problems.append((path, line or line_of(text, name), f"{name} comes from {source[:100]}"))
    note = f" Not understood: {', '.join(unread[:3])}." if unread else ""
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"{counted} dependencies in {len(files)} manifests come from registries.{note}",
        }
    return {
        "passed": False,
        "score": max(0, 70 - 10 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f".{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "medium"} for p, n, text in problems[:500]
        ],
    }


def dependencies(name, text):
    """(name, source or None, line or None) of each."""
    if name == "package.json":
        data = json.loads(text)
        for kind in ("dependencies", "devDependencies", "optionalDependencies"):
            for one, version in (data.get(kind) or {}).items():
                yield one, str(version), None
    elif name == "Cargo.toml":
        for one, given in cargo(tomllib.loads(text)):
            spec = given if isinstance(given, dict) else {}
            yield (
                one,
                (
                    f"git+{spec['git']} rev={spec.get('rev', '')}"
                    if "git" in spec
                    else inside(spec.get("path"))
                ),
                None,
            )
    elif name == "pyproject.toml":
        yield from python(tomllib.loads(text))
    else:
        for number, line in enumerate(text.split("\n"), 1):
            yield from by_line(name, line.strip(), number)


def inside(path):
    """A folder as a source: one below the manifest begins with a dot, so that it is no name of a code host's project."""
    return path if path is None or path.startswith((".", "/", "~")) else f"./{path}"


def cargo(data):
    for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
        yield from data.get(kind, {}).items()
    yield from data.get("workspace", {}).get("dependencies", {}).items()


def python(data):
    listed = list(data.get("project", {}).get("dependencies", []))
    for extra in data.get("project", {}).get("optional-dependencies", {}).values():
        listed += extra
    for one in listed:
        name, at, source = str(one).partition(" @ ")
        yield re.split(r"[\[<>=!~; ]", name)[0], source.strip() if at else None, None
    sources = {
        **data.get("tool", {}).get("uv", {}).get("sources", {}),
        **data.get("tool", {}).get("poetry", {}).get("dependencies", {}),
    }
    for name, spec in sources.items():
        if not isinstance(spec, dict):
            yield name, None, None
        elif "git" in spec:
            yield name, f"git+{spec['git']} rev={spec.get('rev', '')}", None
        elif spec.get("url") or spec.get("path"):
            yield name, str(spec.get("url") or inside(str(spec["path"]))), None


def by_line(name, line, number):
    if name == "go.mod":
        match = re.match(r"(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)(\s+v\S+)?", line)
        required = re.match(r"(?:require\s+)?([\w.-]+\.[\w./-]+)\s+v\d", line)
        if match and not match[3]:
            yield match[1], match[2], number
        elif required:
            yield required[1], None, number
    elif name == "Gemfile":
        match = re.match(r"gem\s+[\"']([^\"']+)[\"'].*\b(?:git|github)\b\W+([^\"',\s]+)(.*)", line)
        if match:
            yield match[1], f"git+{match[2]} {match[3]}", number
    elif line and line[0] not in "#":
        line = re.sub(r"^(-e|--editable)[\s=]+", "", line)
        named, at, source = line.partition(" @ ")
        remote = source if at else line if re.match(r"(git|hg|svn)\+|https?:", line) else None
        if not line.startswith("-"):
            yield re.split(r"[\[<>=!~; ]", named)[0][:80], remote, number


def line_of(text, name):
    return text.count("\n", 0, max(text.find(f'"{name}"'), text.find(f"{name} ="), text.find(name), 0)) + 1
