"""A linter reads every change of JavaScript.

Looks for the configuration of ESLint, Biome, oxlint, XO or Standard that names at least one rule or preset, and for a script, a workflow
or a hook that runs it. A configuration that nothing runs counts half.
"""

import re
from posixpath import basename

NAME = "JavaScript linter"
TESTS = [
    {"name": "configured and run", "input": {"files": {"package.json": '{"scripts": {\n"lint": "eslint ."}}', "eslint.config.js": "export default [js.configs.recommended]"}},
     "expected": {"passed": True, "score": 100, "message": {"contains": "package.json:2"}}},
    {"name": "Biome in a workflow", "input": {"files": {"package.json": "{}", "biome.json": '{"linter": {"enabled": true}}', ".github/workflows/a.yml": "- run: npx @biomejs/biome ci\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "nothing runs it", "input": {"files": {"package.json": '{"devDependencies": {"eslint": "9"}}', ".eslintrc.json": '{"extends": "x"}'}}, "expected": {"passed": False, "score": 50}},
    {"name": "an empty configuration", "input": {"files": {"package.json": '{"scripts": {"lint": "eslint ."}}', ".eslintrc.json": "{}"}}, "expected": {"passed": False, "message": {"contains": "names no rule"}}},
    {"name": "nothing", "input": {"files": {"package.json": "{}"}}, "expected": {"passed": False, "score": 0}},
    {"name": "no JavaScript", "input": {"files": {"a.py": ""}}, "expected": {"passed": True}},
]  # fmt: skip

CONFIGURATION = re.compile(
    r"(^|/)(\.eslintrc(\.(js|cjs|json|ya?ml))?|eslint\.config\.[cm]?[jt]s|biome\.jsonc?|\.?oxlintrc\.json|\.xo-config\.\w+|xo\.config\.\w+)$"
)
RULES = re.compile(
    r"rules|extends|recommended|configs?\b.*\.|\.\.\.\w|linter|plugins|defineConfig|categories|preset|antfu|nuxt|import ",
    re.IGNORECASE,
)
RUN = re.compile(
    r"^(?!\s*(#|//)).*(?::\s*\"|[\s&;'\"/])(eslint|biome (?:ci|check|lint)|@biomejs/biome (?:ci|check|lint)|oxlint|xo|standard|next lint|ng lint|nx (?:run-many.*)?lint|turbo (?:run )?lint)\b(?!\"\s*:|-)",
    re.M,
)
RUNNERS = re.compile(
    r"(.*/)?package\.json|\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.pre-commit-config\.yaml|\.husky/[^/]+|lefthook\.yml|Makefile|\.lintstagedrc.*|lint-staged\.config\.\w+"
)
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?|examples?|templates?)/")


def evaluate(project):
    files = project.files
    if not files.count(r"(^|/)package\.json$", unless=SKIPPED):
        return verdict(100, f"No package.json among {len(files)} files.")
    configured, empty = None, None
    for path, text in project.read_files(files.matching(CONFIGURATION, unless=SKIPPED)):
        if RULES.search(text):
            configured = configured or path
        else:
            empty = empty or path
    for path, text in project.read_files(files.matching(RUNNERS, whole=True, unless=SKIPPED)):
        match = RUN.search(text)
        inside = (
            re.search(r'"(eslintConfig|xo|standard)"\s*:', text) if basename(path) == "package.json" else None
        )
        configured = configured or (path if inside else None)
        if match:
            place = f"{path}:{text.count(chr(10), 0, match.start(2)) + 1}"
            if configured or match[2] in ("xo", "standard", "next lint", "oxlint"):
                return verdict(
                    100, f"{place} runs {match[2]}; {configured or 'it needs no file'} configures it."
                )
            if empty:
                return verdict(40, f"{empty} names no rule and no preset.", empty)
            return verdict(80, f"{place} runs {match[2]}; its configuration was not found.")
    if configured:
        return verdict(50, f"{configured} configures a linter, and nothing runs it.", configured)
    return verdict(0, f"No linter is configured and none is run, among {len(files)} files.", "")


def verdict(score, message, path=""):
    found = [] if score >= 70 else [{"path": path, "message": message, "severity": "low"}]
    return {"passed": score >= 70, "score": score, "message": message, "findings": found}
