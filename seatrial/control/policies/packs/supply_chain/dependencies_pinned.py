"""Each dependency is one version: written so, or chosen by a lock file.

Reads the manifests of all ecosystems. A dependency passes with an exact version, a whole commit, a checksum, a place in this repository, or a
lock file that knows it. Parameters: `groups`: only dependencies of these groups, such as ["main"]; empty, all; `skip`: which
paths are not looked at, beside what is vendored.
"""

import re

NAME = "Pinned dependencies"
PARAMS = {
    "groups": [],
    "skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|docs?)/",
}
TESTS = [
    {"name": "locked", "input": {"files": {"package.json": '{"dependencies": {"a": "^1"}}', "package-lock.json": '{"packages": {"node_modules/a": {}}}'}}, "expected": {"passed": True, "score": 100, "message": {"contains": "package.json by package-lock.json"}}},
    {"name": "exact", "input": {"files": {"requirements.txt": "a==1.0\nb @ https://x.test/b.zip#sha256=00\n", "pom.xml": "<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>1.2</version></dependency></dependencies></project>"}}, "expected": {"passed": True, "message": {"contains": "requirements.txt by itself"}}},
    {"name": "a range", "input": {"files": {"requirements.txt": "a==1.0\nb>=2\n"}}, "expected": {"passed": False, "score": 45, "findings": [{"path": "requirements.txt", "line": 2}]}},
    {"name": "a range, for npm", "input": {"files": {"package.json": '{"dependencies": {"a": "1.2.3",\n"b": "^1"}}'}}, "expected": {"passed": False, "findings": [{"line": 2}]}},
    {"name": "forgotten by the lock file", "input": {"files": {"Cargo.toml": "[dependencies]\nserde = '1'\n", "Cargo.lock": "[[package]]\nname = 'a'\n"}}, "expected": {"passed": False, "message": {"contains": "Cargo.lock does not know it"}}},
    {"name": "Go, which has no ranges", "input": {"files": {"go.mod": "module a\nrequire b.test/c v1.2.3\n"}}, "expected": {"passed": True}},
    {"name": "a parent decides", "input": {"files": {"pom.xml": "<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId></dependency></dependencies></project>"}}, "expected": {"passed": True}},
    {"name": "of a range, and a group that does not matter", "input": {"files": {"package.json": '{"devDependencies": {"a": "^1"}}'}}, "params": {"groups": ["main"]}, "expected": {"passed": True}},
    {"name": "the newest, whatever it is", "input": {"files": {"composer.json": '{"require": {"a/b": "*"}}', "Gemfile": "gem 'c'\n", "pom.xml": "<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>LATEST</version></dependency></dependencies></project>"}}, "expected": {"passed": False, "findings": 3}},
    {"name": "no manifest", "input": {"files": {"a": ""}}, "expected": {"passed": True, "message": {"contains": "No manifest"}}},
]  # fmt: skip

NO_PLACE = (
    "build",
    "peer",
    "parent",
    "plugin",
    "replace",
)  # groups that lock files do not hold, or that others decide

VENDORED = [
    "node_modules/",
    "vendor/",
    "third_party/",
]  # there may be thousands, of which nobody wants to hear


def evaluate(project, params):
    found = project.get_manifests(exclude=VENDORED)
    manifests = [one for one in found if not re.search(params["skip"], one["path"])]
    unread = [f"{one['path']}: {error['message']}" for one in manifests for error in one["errors"]]
    note = f" Not understood: {'; '.join(unread[:3])}." if unread else ""
    note += f" Not looked at: {len(found.left_out):,} more." if found.left_out else ""
    counted, problems, proofs = 0, [], []
    for one in manifests:
        wanted = [dependency for dependency in one["dependencies"] if counts(dependency, params["groups"])]
        counted += len(wanted)
        loose = [dependency for dependency in wanted if not is_one(one, dependency)]
        problems += [finding(one, dependency) for dependency in loose]
        by = one["lock"] if any(dependency["locked"] for dependency in wanted) and one["lock"] else "itself"
        if wanted and not loose:
            proofs.append(f"{one['path']} by {by}")
    if not counted:
        return verdict(
            100, f"No manifest names dependencies that count; {len(manifests)} were read.{note}", []
        )
    if problems:
        shown = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in problems[:3])
        return verdict(round(90 * (counted - len(problems)) / counted), f"{shown}.{note}", problems)
    return verdict(100, f"All {counted} dependencies are one version: {', '.join(proofs[:5])}.{note}", [])


def counts(dependency, groups):
    return dependency["group"] in groups if groups else dependency["group"] not in NO_PLACE


def is_one(manifest, dependency):
    """Whether one version is meant. What Maven's parents decide is written elsewhere."""
    left_to_parent = manifest["kind"] == "maven" and not dependency["spec"]
    return dependency["pinned"] or dependency["locked"] is True or left_to_parent


def finding(manifest, dependency):
    lock = manifest["lock"]
    why = (
        f"{lock} does not know it"
        if lock
        else "there is no lock file"
        if manifest["kind"] != "requirements"
        else "use == or a hash"
    )
    spec = f" {dependency['spec'][:80]}" if dependency["spec"] else ""
    message = f"{dependency['name']}{spec} may be any of several versions: {why}"
    return {"path": manifest["path"], "line": dependency["line"], "message": message, "severity": "medium"}


def verdict(score, message, findings):
    return {
        "passed": not findings,
        "score": score,
        "message": message,
        "findings": findings[:500],
        "findings_left_out": len(findings[500:]),
    }
