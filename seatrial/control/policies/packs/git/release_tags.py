"""Releases are tagged by versions that can be compared.

Looks at the tags of the commit's history that begin like a version (`1.2`, `v1.2`, `release-1.2`): each must be a semantic version, or what
`pattern` says, and no version may be tagged twice. Parameters: `pattern`: a regular expression for the name after its prefix; `annotated`:
whether a tag must have a text of its own; `required`: whether there must be one at all.
"""

import re

NAME = "Tags of releases"
PARAMS = {"pattern": "", "annotated": False, "required": False}
TESTS = [
    {"name": "versions", "input": {"get_tags": [{"name": "v1.1.0", "commit": "b", "date": "2026-02-01", "annotated": True}, {"name": "v1.0.0-rc.1+b", "commit": "a", "date": "2026-01-01", "annotated": False}, {"name": "nightly", "commit": "a", "date": "2026-01-01", "annotated": False}]}, "expected": {"passed": True, "score": 100, "message": {"contains": "v1.1.0"}}},
    {"name": "no version", "input": {"get_tags": [{"name": "v1.2.x", "commit": "b", "date": "2026-02-01", "annotated": False}]}, "expected": {"passed": False, "findings": [{"message": "v1.2.x is no semantic version"}]}},
    {"name": "twice", "input": {"get_tags": [{"name": "v1.0.0", "commit": "b", "date": "2026-02-01", "annotated": False}, {"name": "release-1.0.0", "commit": "a", "date": "2026-01-01", "annotated": False}]}, "expected": {"passed": False, "findings": 1}},
    {"name": "twice, at one commit", "input": {"get_tags": [{"name": "v1.0.0", "commit": "b", "date": "2026-02-01", "annotated": False}, {"name": "1.0.0", "commit": "b", "date": "2026-02-01", "annotated": False}]}, "expected": {"passed": True}},
    {"name": "of another form", "input": {"get_tags": [{"name": "2026.11", "commit": "b", "date": "2026-02-01", "annotated": False}]}, "params": {"pattern": "\\d{4}\\.\\d{2}"}, "expected": {"passed": True}},
    {"name": "without a text", "input": {"get_tags": [{"name": "v1.0.0", "commit": "b", "date": "2026-02-01", "annotated": False}]}, "params": {"annotated": True}, "expected": {"passed": False}},
    {"name": "none", "input": {}, "expected": {"passed": True, "message": {"contains": "No tag"}}},
    {"name": "none, and one is required", "input": {}, "params": {"required": True}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

RELEASE = re.compile(r"(?:.*?[/@_-])?v?(\d[\w.+-]*)", re.IGNORECASE)
BEGINS = re.compile(r"(v|(release|rel|ver|version)[-_/]?v?)?\d", re.IGNORECASE)
SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
MOST = 1_000


def evaluate(project, params):
    tags = [tag for tag in project.get_tags(MOST) if BEGINS.match(tag["name"])]
    if not tags:
        passed = not params["required"]
        message = "No tag in the history of this commit begins like a version."
        return {"passed": passed, "score": 100 if passed else 0, "message": message}
    wanted = re.compile(params["pattern"] or SEMANTIC)
    what = "what the policy's pattern says" if params["pattern"] else "semantic version"
    problems, seen = [], {}
    for tag in reversed(tags):
        version = RELEASE.fullmatch(tag["name"])
        text = version[1] if version else tag["name"]
        if not wanted.fullmatch(text):
            problems.append(
                f"{tag['name']} is no {what}" if what[0] == "s" else f"{tag['name']} is not {what}"
            )
        elif seen.setdefault(text, tag)["commit"] != tag["commit"]:
            problems.append(f"{tag['name']} is the version of {seen[text]['name']}, of another commit")
        if params["annotated"] and not tag["annotated"]:
            problems.append(f"{tag['name']} has no text of its own")
    if problems:
        return {
            "passed": False,
            "score": round(90 * max(0, len(tags) - len(problems)) / len(tags)),
            "message": f"{'; '.join(problems[:3])}.",
            "findings": [
                {"message": one, "severity": "low", "fingerprint": one[:200]} for one in problems[:500]
            ],
        }
    newest = tags[0]
    message = f"{len(tags)} tags are versions; the newest is {newest['name']} at {newest['commit'][:12]}."
    return {"passed": True, "score": 100, "message": message}
