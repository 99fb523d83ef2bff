"""TypeScript is strict.

Where there is TypeScript, a tsconfig.json must be there, readable, and say `strict: true` itself or through a file of this repository
that it extends. Repositories without TypeScript pass. Parameter `required`: JavaScript alone fails then.
"""

import json
import re
from posixpath import dirname, join, normpath

NAME = "Strict TypeScript"
PARAMS = {"required": False}
TESTS = [
    {"name": "strict", "input": {"files": {"a.ts": "", "tsconfig.json": '{ // ours\n  "compilerOptions": {\n  "strict": true,\n  },\n}'}}, "expected": {"passed": True, "score": 100, "message": {"contains": "tsconfig.json:3"}}},
    {"name": "not strict", "input": {"files": {"a.ts": "", "tsconfig.json": '{"compilerOptions": {"strict": false}}'}}, "expected": {"passed": False, "score": 50, "findings": [{"line": 1}]}},
    {"name": "by another file", "input": {"files": {"a.tsx": "", "tsconfig.json": '{"extends": "./tsconfig.base.json"}', "tsconfig.base.json": '{"compilerOptions": {"strict": true}}'}}, "expected": {"passed": True}},
    {"name": "by a package", "input": {"files": {"a.ts": "", "tsconfig.json": '{"extends": "@tsconfig/strictest/tsconfig.json"}'}}, "expected": {"passed": True, "score": 80}},
    {"name": "no tsconfig.json", "input": {"files": {"a.ts": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "only JavaScript", "input": {"files": {"a.js": ""}}, "expected": {"passed": True}},
    {"name": "only JavaScript, and that is not enough", "input": {"files": {"a.js": ""}}, "params": {"required": True}, "expected": {"passed": False}},
    {"name": "cannot be read", "input": {"files": {"a.ts": "", "tsconfig.json": "{"}}, "expected": {"passed": False, "message": {"contains": "not valid"}}},
]  # fmt: skip

SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?|examples?|templates?)/|\.d\.ts$"
)
TYPED, PLAIN = r"\.[cm]?tsx?$", r"\.[cm]?jsx?$"


def evaluate(project, params):
    files = project.files
    code, plain = (next(iter(files.matching(one, unless=SKIPPED, most=1)), None) for one in (TYPED, PLAIN))
    if not code:
        if plain and params["required"]:
            return verdict(0, f"{plain} is JavaScript, and there is no TypeScript.", plain, None)
        return verdict(100, f"No TypeScript among {len(files)} files.", "", None)
    configurations = files.matching(r"(^|/)tsconfig\.json$", unless=SKIPPED)
    if not configurations:
        return verdict(0, f"{code} is TypeScript, and there is no tsconfig.json.", code, None)
    judged = [judge(project, path, files) for path in configurations]
    worst = min(judged, key=lambda one: one["score"])
    if worst["passed"] and len(judged) > 1:
        worst["message"] += f" So are all {len(judged)}."
    return worst


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(project, path, files):
    at, seen = path, set()
    while at not in seen:
        seen.add(at)
        text = text_of(project, at)
        try:
            data = json.loads(plain_json(text))
            options, above = data.get("compilerOptions") or {}, data.get("extends")
            strict = options.get("strict")
        except (ValueError, AttributeError, RecursionError) as error:
            return verdict(20, f"{at} is not valid: {error}.", at, 1)
        if strict is not None:
            line = text.count("\n", 0, max(text.find('"strict"'), 0)) + 1
            score, how = (100, "is strict") if strict is True else (50, "is not strict")
            return verdict(score, f"{at}:{line} {how}.", at, line)
        above = above[-1] if isinstance(above, list) and above else above
        if not isinstance(above, str):
            refers = data.get("references") and not above
            score, how = (100, "only refers to others") if refers else (50, "does not say strict: true")
            return verdict(score, f"{path} {how}.", path, 1)
        near = normpath(join(dirname(at), above))
        near = near if near in files else f"{near}.json"
        if near not in files:
            unread = f"{at} extends {above[:80]}, which is not in this repository and was not read."
            return verdict(80, unread, at, 1)
        at = near
    return verdict(20, f"{path} extends itself.", path, 1)


def plain_json(text):
    """JSON without comments and without commas before a closing bracket; both may stand in strings."""
    text = re.sub(
        r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL
    )
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', lambda match: match[1] or "", text)


def verdict(score, message, path, line):
    found = [] if score >= 70 else [{"path": path, "line": line, "message": message, "severity": "low"}]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
