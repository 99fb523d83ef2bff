"""Somebody proposes updates of dependencies by itself.

Reads the configuration of Dependabot or Renovate: it must be valid, and Dependabot's must cover every kind of dependency that the
repository has, workflows too.
"""

import json
import re
from posixpath import basename

NAME = "Automated updates"
TESTS = [
    {"name": "Dependabot covers all", "input": {"files": {".github/dependabot.yml": "version: 2\nupdates:\n- package-ecosystem: npm\n  directory: /\n", "package.json": "{}"}}, "expected": {"passed": True, "score": 100}},
    {"name": "workflows are left out", "input": {"files": {".github/dependabot.yml": "version: 2\nupdates:\n- package-ecosystem: npm\n", "package.json": "{}", ".github/workflows/a.yml": "on: push"}},
     "expected": {"passed": False, "message": {"contains": "github-actions"}}},
    {"name": "Renovate", "input": {"files": {"renovate.json5": "{ // all\n  extends: ['config:recommended'] }", "go.mod": "module a"}}, "expected": {"passed": True}},
    {"name": "Renovate is switched off", "input": {"files": {"renovate.json": '{"enabled": false}', "go.mod": "module a"}}, "expected": {"passed": False}},
    {"name": "a part of Renovate is switched off", "input": {"files": {"renovate.json": '{"packageRules": [{"matchPackageNames": ["a}"], "enabled": false}]}', "go.mod": "module a"}}, "expected": {"passed": True}},
    {"name": "nothing", "input": {"files": {"go.mod": "module a"}}, "expected": {"passed": False, "score": 0}},
    {"name": "nothing to update", "input": {"files": {"README.md": ""}}, "expected": {"passed": True}},
    {"name": "broken", "input": {"files": {".github/dependabot.yml": "updates: [\n", "go.mod": "module a"}}, "expected": {"passed": False, "message": {"contains": "not valid YAML"}}},
]  # fmt: skip

RENOVATE = re.compile(r"(\.github/|\.gitlab/)?(renovate\.json5?|\.renovaterc(\.json5?)?)")
KINDS = [  # (name of a file, what Dependabot calls it)
    (r"package\.json", "npm"), (r"pyproject\.toml|requirements[\w.-]*\.txt|Pipfile", "pip"), (r"Cargo\.toml", "cargo"), (r"go\.mod", "gomod"),
    (r"Gemfile", "bundler"), (r"composer\.json", "composer"), (r"pom\.xml", "maven"), (r"build\.gradle(\.kts)?", "gradle"),
    (r"Dockerfile[\w.-]*", "docker"), (r"[\w.-]+\.csproj", "nuget"), (r"mix\.exs", "mix"), (r"[\w-]+\.tf", "terraform"),
]  # fmt: skip
NAMES = re.compile(rf"(.*/)?({'|'.join(name for name, _ in KINDS)})|\.github/workflows/[^/]+\.ya?ml")
SAME = {"pip": {"uv"}, "npm": {"bun"}}
SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|examples?|templates?)/"
)


def evaluate(project):
    files = project.files
    kinds = {}
    for path in files.matching(NAMES, whole=True):
        kind = next(
            (kind for name, kind in KINDS if re.fullmatch(name, basename(path)) and not SKIPPED.search(path)),
            None,
        )
        kind = "github-actions" if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path) else kind
        if kind:
            kinds.setdefault(kind, path)
    if not kinds:
        return verdict(100, f"Nothing to update among {len(files)} files.", "")
    for path in files.matching(RENOVATE, whole=True):
        return renovate(project, path)
    for path in (".github/dependabot.yml", ".github/dependabot.yaml"):
        if path in files:
            return dependabot(project, path, kinds)
    return verdict(
        0,
        f"Nobody updates {', '.join(kinds)}: there is no Dependabot and no Renovate.",
        next(iter(kinds.values())),
    )


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def renovate(project, path):
    text = text_of(project, path)
    if re.search(r"enabled[\"']?\s*:\s*false", top(text)):
        return verdict(30, f"{path} switches Renovate off.", path)
    if not path.endswith("5"):
        try:
            json.loads(text)
        except ValueError as error:
            return verdict(30, f"{path} is not valid JSON: {error}.", path)
    return verdict(100, f"{path}: Renovate updates what it finds.", path)


def top(text):
    """What stands at the top of an object: without comments, values that are texts, and what is within brackets."""
    words = r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')(\s*:)?|//[^\n]*|/\*.*?\*/"
    text = re.sub(words, lambda match: match[0] if match[2] else "", text, flags=re.DOTALL)
    inner, text = None, text.strip()[1:-1]
    while inner != text:
        inner, text = text, re.sub(r"[{\[][^{}\[\]]*[}\]]", "", text)
    return text


def dependabot(project, path, kinds):
    try:
        documents = project.get_yaml(path) or []
    except ValueError as error:
        return verdict(30, f"{error}.", path)
    data = documents[0]["data"] if documents and isinstance(documents[0]["data"], dict) else {}
    updates = data.get("updates") if isinstance(data.get("updates"), list) else []
    covered = {str(one.get("package-ecosystem")) for one in updates if isinstance(one, dict)}
    missing = [kind for kind in kinds if not {kind, *SAME.get(kind, ())} & covered]
    if missing:
        places = ", ".join(f"{kind} ({kinds[kind]})" for kind in missing)
        return verdict(
            round(100 * (1 - len(missing) / len(kinds)) * 0.6), f"{path} leaves out {places}.", path
        )
    return verdict(100, f"{path} updates {', '.join(sorted(covered))}.", path)


def verdict(score, message, path):
    found = [] if score >= 70 else [{"path": path, "message": message, "severity": "medium"}]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
