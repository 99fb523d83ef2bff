"""Lock files hold what was downloaded: each package has a checksum and comes from an expected registry, encrypted.

Reads package-lock.json, yarn.lock (1), poetry.lock, uv.lock and Cargo.lock. Parameter `registries`: the only hosts that packages may
come from; empty, any that is reached by https.
"""

import json
import re
import tomllib
from posixpath import basename
from urllib.parse import urlsplit

NAME = "Integrity of lock files"
PARAMS = {"registries": []}
TESTS = [
    {"name": "npm, good", "input": {"files": {"package-lock.json": '{"packages": {"": {}, "node_modules/a": {"resolved": "https://registry.test/a.tgz", "integrity": "sha512-x"}}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "npm, no checksum", "input": {"files": {"package-lock.json": '{"packages": {"": {},\n"node_modules/a": {"resolved": "https://registry.test/a.tgz"}}}'}},
     "expected": {"passed": False, "findings": [{"path": "package-lock.json", "line": 2}]}},
    {"name": "npm, not encrypted", "input": {"files": {"package-lock.json": '{"packages": {"node_modules/a": {"resolved": "http://r.test/a.tgz", "integrity": "sha512-x"}}}'}}, "expected": {"passed": False}},
    {"name": "another registry", "input": {"files": {"package-lock.json": '{"packages": {"node_modules/a": {"resolved": "https://evil.test/a.tgz", "integrity": "sha512-x"}}}'}},
     "params": {"registries": ["registry.test"]}, "expected": {"passed": False, "message": {"contains": "evil.test"}}},
    {"name": "yarn", "input": {"files": {"yarn.lock": '# yarn lockfile v1\n\na@1:\n  version "1"\n  resolved "https://registry.test/a.tgz#0"\n'}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "cargo", "input": {"files": {"Cargo.lock": '[[package]]\nname = "a"\nversion = "1"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n'}}, "expected": {"passed": False, "findings": 1}},
    {"name": "uv", "input": {"files": {"uv.lock": '[[package]]\nname = "a"\nsource = { registry = "https://registry.test/simple" }\nwheels = [{ url = "https://f.test/a.whl", hash = "sha256:0" }]\n'}}, "expected": {"passed": True}},
    {"name": "cannot be read", "input": {"files": {"package-lock.json": "{"}}, "expected": {"passed": False}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True, "message": {"contains": "No lock file"}}},
]  # fmt: skip

SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")


def evaluate(project, params):
    files = project.files.matching(f"(^|/)({'|'.join(map(re.escape, READERS))})$", unless=SKIPPED)
    problems, packages, unread = [], 0, set(files)
    for path, text in project.read_files(files):
        unread.discard(path)
        try:
            for name, address, checked in READERS[basename(path)](text):
                packages += 1
                problem = judge(address, checked, params["registries"])
                if problem:
                    problems.append((path, line_of(text, name), f"{name} {problem}"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            problems.append((path, 1, "cannot be read"))
    note = f" Not read, because they are above 1 MB: {', '.join(sorted(unread)[:3])}." if unread else ""
    if not problems:
        if not files:
            return {"passed": True, "score": 100, "message": "No lock file of a kind that this policy reads."}
        return {
            "passed": True,
            "score": 70 if unread else 100,
            "message": f"{packages} packages in {len(files) - len(unread)} lock files have a checksum.{note}",
        }
    return {
        "passed": False,
        "score": max(0, 70 - 5 * len(problems)),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f".{note}",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "high"} for p, n, text in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def judge(address, checked, registries):
    parts = urlsplit(address or "")
    if parts.scheme in ("http", "ftp"):
        return f"comes without encryption, from {parts.hostname}"
    if registries and parts.hostname and parts.hostname not in registries:
        return f"comes from {parts.hostname}"
    return None if checked else "has no checksum"


def npm(text):
    data = json.loads(text)
    for name, entry in (data.get("packages") or data.get("dependencies") or {}).items():
        local = not name or entry.get("link") or ("node_modules" not in name and "packages" in data)
        if (
            not local
            and not entry.get("inBundle")
            and not str(entry.get("resolved", "")).startswith(("file:", "git"))
        ):
            yield name, entry.get("resolved"), bool(entry.get("integrity"))


def yarn(text):
    if "yarn lockfile v1" not in text:
        return
    for block in re.split(r"\n\n+", text):
        head = re.search(r'^"?([^\s#"][^\n]*?)"?:$', block, re.M)
        address = re.search(r'^\s+resolved "([^"]+)"', block, re.M)
        if head and address and not address[1].startswith(("file:", "git")):
            yield head[1], address[1], bool(re.search(r"^\s+integrity ", block, re.M))


def cargo(text):
    for package in tomllib.loads(text).get("package", []):
        if str(package.get("source", "")).startswith("registry+"):
            yield package["name"], package["source"].removeprefix("registry+"), bool(package.get("checksum"))


def poetry(text):
    data = tomllib.loads(text)
    hashes = data.get("metadata", {}).get("files", {})
    for package in data.get("package", []):
        if package.get("source", {}).get("type") not in ("git", "directory", "file"):
            files = package.get("files") or hashes.get(package["name"]) or []
            yield (
                package["name"],
                package.get("source", {}).get("url"),
                bool(files) and all(f.get("hash") for f in files),
            )


def uv(text):
    for package in tomllib.loads(text).get("package", []):
        if "registry" in package.get("source", {}):
            files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
            yield package["name"], package["source"]["registry"], all(f.get("hash") for f in files)


def line_of(text, name):
    at = text.find(f'"{name}"')
    return text.count("\n", 0, max(at, text.find(name) if at < 0 else at, 0)) + 1


READERS = {
    "package-lock.json": npm,
    "npm-shrinkwrap.json": npm,
    "yarn.lock": yarn,
    "Cargo.lock": cargo,
    "poetry.lock": poetry,
    "uv.lock": uv,
}
