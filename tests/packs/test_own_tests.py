"""Every policy of every pack passes the tests that it carries, and is stopped by nothing that a repository may hold."""

from typing import Any

import pytest

from seatrial.wire.expectations import differences
from tests.packs.trial import EVERY, judged, run

TESTS = [(slug, test) for slug in EVERY for test in EVERY[slug].tests]
STRANGE: dict[str, str | bytes] = {
    "README.md": b"\xff\xfe", "Dockerfile": "", "package.json": "{", "Cargo.toml": "[", "LICENSE": b"\xe9", "a.sh": "\\",
    ".github/workflows/x.yml": "\t", "CHANGELOG.md": "\n\n", "a\nb": "x", ".env": "=", "go.mod": "", "CODEOWNERS": "[\n!\n* (\n",
    ".gitmodules": "url = x\n[submodule", ".gitattributes": "\n*\nfilter", ".editorconfig": "[\n=", "compose.yaml": "- 1", "tsconfig.json": "[]",
    "package-lock.json": "[]", "yarn.lock": "# yarn lockfile v1\n\n\n:", "Cargo.lock": "package = 1", "uv.lock": "", "poetry.lock": "[metadata]\nfiles = 1",
    ".mcp.json": "[]", ".claude/settings.json": "[1]", "AGENTS.md": "@AGENTS.md\n`a/b`", "pyproject.toml": "project = 1", "renovate.json": "[]",
    ".github/dependabot.yml": "updates: 1", "action.yml": "- uses: 1", ".gitlab-ci.yml": "a: [1]\ninclude: 1", "a.ts": "", "a.py": "def", ".nvmrc": "x",
}  # fmt: skip
VARIED: dict[str, str | bytes] = {
    "package.json": '{"scripts": [1], "dependencies": 1, "engines": 1, "packageManager": 1}', "tsconfig.json": '{"compilerOptions": 1}', "a.ts": "",
    "package-lock.json": '{"packages": {"node_modules/a": 1}}', "pyproject.toml": "[project]\ndependencies = 1\n[tool]\npoetry = 1\n",
    "Cargo.toml": "dependencies = 1", "Cargo.lock": "", ".mcp.json": '{"mcpServers": {"a": 1, "b": {"args": 1, "env": []}}}', "yarn.lock": "a",
    ".github/workflows/x.yml": "on: {push: 1, workflow_run: [a]}\njobs: {a: 1, b: {steps: [1, {run: 2, with: 3, uses: 4}], strategy: 1, permissions: 1}}",
    ".claude/settings.json": '{"permissions": [1]}', "compose.yaml": "services: {a: {volumes: 1, cap_add: 1}, b: [1]}", "Dockerfile": "FROM\nUSER\nCOPY\nADD [\nARG\nENV\nRUN",
    ".github/dependabot.yml": "updates: [1]", ".gitlab-ci.yml": "a: {script: {b: 1}, rules: [1], only: {refs: 1}}\ninclude: [1]",
}  # fmt: skip


@pytest.mark.parametrize(("slug", "test"), TESTS, ids=[f"{slug}: {test['name']}" for slug, test in TESTS])
def test_a_policy_does_what_it_says(slug: str, test: dict[str, Any]) -> None:
    result = judged(slug, test["input"], test["params"])
    assert not differences(test["expected"], result), result


@pytest.mark.parametrize("slug", EVERY)
def test_a_policy_carries_tests_of_both_verdicts(slug: str) -> None:
    verdicts = {test["expected"].get("passed") for test in EVERY[slug].tests}
    assert len(EVERY[slug].tests) >= 3 and verdicts - {None} == {True, False}


@pytest.mark.parametrize("slug", EVERY)
def test_a_policy_copes_with_any_repository(slug: str) -> None:
    for files in ({}, STRANGE, VARIED, dict.fromkeys([*STRANGE, *VARIED], b"\0")):
        result = run(slug, files)
        assert result["message"]
        for finding in result.get("findings", []):
            assert set(finding) <= {"path", "line", "message", "severity", "fingerprint", "fix"}
            assert finding["message"] and finding["severity"] in ("info", "low", "medium", "high", "critical")


@pytest.mark.parametrize("slug", EVERY)
def test_a_policy_describes_itself(slug: str) -> None:
    packed = EVERY[slug]
    assert packed.name != slug and len(packed.description) > 80
    assert packed.description.split("\n")[0].endswith((".", ":")), "the first line is a sentence"
    assert all(f"`{name}`" in packed.description for name in packed.params), "every parameter is explained"


LONG = "go it mvn npm gradle " * 1_000  # on one line
SLOW: dict[str, str | bytes] = dict.fromkeys(("Jenkinsfile", "tests/a.js", "a.sh", ".env", "LICENSE", "CHANGELOG.md", "README.md", "AGENTS.md", "Makefile"), LONG)  # fmt: skip


def test_a_long_line_takes_no_policy_long() -> None:
    """What takes the square of a line's length takes longer than a unit test may."""
    for slug in EVERY:
        assert run(slug, SLOW)["message"]
