"""What tests changes, and what is only called so; changelogs by all their headings."""

from typing import Any

import pytest

from tests.packs.trial import run

AT = ".github/workflows/"
RUNS = "jobs:\n  a:\n    runs-on: x\n    steps:\n    - run: "


def flow(on: str, command: str = "make test", name: str = "ci") -> dict[str, Any]:
    return {f"{AT}{name}.yml": f"on: {on}\n{RUNS}{command}\n"}


CALLED = {
    AT + "called.yml": f"on: workflow_call\n{RUNS}tox\n",
    AT + "ci.yml": "on: push\njobs:\n  a:\n    uses: ./.github/workflows/called.yml\n",
}
COMPOSITE = {
    AT + "ci.yml": "on: push\njobs:\n  a:\n    steps:\n    - uses: ./.github/actions/t\n",
    ".github/actions/t/action.yml": "runs:\n  using: composite\n  steps:\n  - run: |\n      cd a\n      go test ./...\n",
}
AFTER = {
    AT + "build.yml": f"name: Build\non: push\n{RUNS}make\n",
    AT + "later.yml": f"on:\n  workflow_run:\n    workflows: [Build]\n{RUNS}npm t\n",
}
MATRIX = {
    AT
    + "ci.yml": "on: push\njobs:\n  a:\n    strategy:\n      matrix:\n        command: [cargo test, cargo doc]\n    steps:\n    - run: ${{ matrix.command }}\n"
}
TESTED = [
    (flow("[push, pull_request]"), "ci.yml:6: make test"),
    (flow("\n  pull_request:\n    types: [opened, synchronize]"), "ci.yml:8: make test"),
    (flow("\n  push:\n    branches: [main]\n    tags: ['v*']"), "make test"),
    (flow("merge_group", "./scripts/run-tests.sh --all"), "run-tests.sh"),
    (flow("push", "npm ci && npm test"), "npm test"),
    (flow("push", "|\n        echo a\n        # make test\n        python -m pytest -q"), "ci.yml:9: pytest"),
    (flow("push", "uv run --all-extras pytest"), "pytest"),
    (flow("push", "./gradlew --no-daemon check"), "gradlew --no-daemon check"),
    (flow("push", "mvn -B verify"), "mvn -B verify"),
    (flow("push", "dotnet test --no-build"), "dotnet test"),
    (CALLED, "called.yml:6: tox"),
    (COMPOSITE, "action.yml:6: go test"),
    (AFTER, "later.yml:8: npm t"),
    (MATRIX, "cargo test"),
    ({".gitlab-ci.yml": "unit:\n  script:\n  - pip install tox\n  - tox -e py\n"}, ".gitlab-ci.yml:4: tox"),
    ({".gitlab-ci.yml": "include: {local: /ci/t.yml}\n", "ci/t.yml": "unit:\n  script: make check\n"}, "ci/t.yml:2: make check"),
    ({".circleci/config.yml": "jobs:\n  a:\n    steps:\n    - run: yarn test\n"}, "config.yml:4"),
    (flow("push", "|\n        cat <<EOF\n        a\n        EOF\n        pytest -q"), "ci.yml:10: pytest"),
    ({".woodpecker.yml": "when:\n- event: pull_request\nsteps:\n- name: a\n  commands: [go test ./...]\n"}, "go test"),
    ({"Jenkinsfile": "// make test\nsh 'mvn test'\n"}, "Jenkinsfile:2"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), TESTED)
def test_what_tests_changes_is_shown_where_it_does(files: dict[str, Any], said: str) -> None:
    result = run("ci-configured", files)
    assert result["score"] == 100 and said in result["message"], result


STALE = "on:\n  schedule:\n  - cron: '0 0 * * *'\njobs:\n  a:\n    steps:\n    - uses: actions/stale@v9\n"
UNTESTED = [
    ({AT + "stale.yml": "name: Check stale issues\n" + STALE}, 40, "no change starts it (on: schedule)"),
    (flow("workflow_dispatch", "./load-test"), 40, "no change starts it (on: workflow_dispatch)"),
    (flow("\n  push:\n    tags: ['v*']"), 40, "no change starts it"),
    (flow("\n  pull_request:\n    types: [labeled, closed]"), 40, "no change starts it"),
    (flow("workflow_call"), 40, "no change starts it"),
    (flow("issues"), 40, "no change starts it"),
    ({AT + "a.yml": f"on: pull_request\n{RUNS}npx commitlint --from HEAD~1\n"}, 70, "no step of it looks like a test"),
    ({AT + "a.yml": f"on: pull_request\n{RUNS}./scripts/check-commit-message\n"}, 70, "no step of it looks like a test"),
    ({AT + "a.yml": f"on: push\n{RUNS}docker build . # make test\n"}, 70, "no step of it looks like a test"),
    (flow("\n  push:\n    paths-ignore: ['**']"), 40, "no change starts it"),
    (flow("\n  push:\n    branches-ignore: ['**']"), 40, "no change starts it"),
    ({".woodpecker.yml": "when:\n  event: cron\nsteps:\n- name: a\n  commands: [go test ./...]\n"}, 40, "no change starts it"),
    (flow("push", "echo run pytest"), 70, "no step of it looks like a test"),
    (flow("push", "|\n        cat <<'EOF' > a\n        pytest\n        EOF"), 70, "no step of it looks like a test"),
    ({AT + "a.yml": f"on: push\n{RUNS}bun ci\n"}, 70, "no step"),
    ({AT + "a.yml": "on: pull_request\njobs:\n  a:\n    steps:\n    - uses: actions/labeler@v5\n    - uses: amannn/action-semantic-pull-request@v5\n"}, 70, "no step"),
    ({AT + "a.yml": "on: push\njobs:\n  a:\n    if: false\n    steps:\n    - run: make test\n"}, 70, "no step"),
    ({AT + "a.yml": f"on: push\n{RUNS}ruff check .\n"}, 80, "checks changes"),
    ({AT + "a.yml": "on: push\njobs:\n  a:\n    uses: harbour/shared/.github/workflows/ci.yml@v1\n"}, 80, "was not read"),
    ({AT + "a.yml": "on: push\njobs: [\n"}, 30, "not valid YAML"),
    ({".gitlab-ci.yml": "a:\n  script: make test\n  rules:\n  - if: $CI_PIPELINE_SOURCE == 'schedule'\n"}, 40, "no change starts a job"),
    ({".gitlab-ci.yml": "a:\n  script: make test\n  only: [schedules]\n"}, 40, "no change starts a job"),
    ({".gitlab-ci.yml": "include:\n- project: a/b\n  file: c.yml\n"}, 80, "was not read"),
    ({"azure-pipelines.yml": "trigger: none\npr: none\nsteps:\n- script: make test\n"}, 40, "no change starts it"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "score", "said"), UNTESTED)
def test_what_does_not_is_not_said_to(files: dict[str, Any], score: int, said: str) -> None:
    result = run("ci-configured", files)
    assert (result["score"], said in result["message"]) == (score, True), result
    assert result["passed"] == (score >= 70) and "tests changes" not in result["message"]


CHANGELOGS = [
    ("CHANGES", "CHANGES FROM 3.7 TO 3.8\n\n* Panes float.\n\nCHANGES FROM 3.6 TO 3.7\n\n* Panes sink, with xlc\n  10.1 (make sure).\n", 2, 1),
    ("CHANGES", "\nChanges with nginx 1.29.3                28 Oct 2025\n\n    *) Feature: a.\n\nChanges with nginx 1.29.2     7 Oct 2025\n\n    *) b\n", 2, 2),
    ("NEWS", "Ship 1.2.3\n\n* a\n\nShip 1.2.2\n\n* b\n", 2, 1),
    ("HISTORY.rst", "History\n=======\n\nVersion 1.2\n-----------\n\nUnreleased\n\n- a\n", 2, 4),
    ("CHANGELOG.adoc", "= Changes\n\n== 1.2.0 (2026-01-02)\n\n* a\n\n== 1.1\n\n* b\n", 2, 3),
    ("CHANGELOG.md", "# Changelog\n\n## 2026-01-02\n\n- a\n", 1, 3),
    ("CHANGELOG.md", "# Changelog\n\n## January 2026\n\n- a\n", 1, 3),
    ("CHANGELOG.md", "# [v2.1.0-rc.1](https://x.test) (2026-01-02)\n\n### Fixed\n\n- a\n", 1, 1),
    ("CHANGELOG.md", "<h2>1.2</h2>\n\n- a\n", 1, 1),
    ("ChangeLog", "2026-01-02  Alice  <alice@x.test>\n\n\t* a.c: b.\n", 1, 1),
    ("changelog", "ship (1.2-1) unstable; urgency=low\n\n  * a\n", 1, 1),
    ("History.md", "5.1.0 / 2025-03-31\n=====\n\n  * a\n", 1, 1),
    ("NEWS.md", "# ship 1.2.0\n\n* a 1.1 b\n", 1, 1),
    ("CHANGES.txt", "Release 1.2\n\n a\n\nrelease 1.1:\n\n b\n", 2, 1),
    ("docs/whatsnew.rst", "What's new in Ship 3.8\n\na\n", 1, 1),
    ("00-RELEASENOTES", "Ship 8.0 release notes\n\n====\nRelease 8.0.1   Released Mon 2 Jan 2026\n====\n\n* a\n", 2, 1),
    ("web/CHANGELOG.md", "## 1.0.0\n- a\n", 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "versions", "line"), CHANGELOGS)
def test_a_version_is_known_by_its_heading(path: str, text: str, versions: int, line: int) -> None:
    assert (
        run("changelog", {path: text})["message"]
        == f"{path}: versions: {versions}, the newest at line {line}."
    )


@pytest.mark.parametrize(("text", "score"), [
    ("# Changelog\n\nSee https://x.test/ship/releases\n", 70), ("# Changelog\n\nWe use version 1.2 of it.\n", 50), ("", 50),
    ("## 1.0\n## 0.9\n", 50), ("1. One\n\n2. Two\n", 50),
])  # fmt: skip
def test_a_changelog_without_a_version_cannot_be_followed(text: str, score: int) -> None:
    assert run("changelog", {"CHANGELOG.md": text})["score"] == score


@pytest.mark.parametrize("text", [
    "ARG R=docker.io\nARG V=1.23@sha256:" + "a" * 64 + "\nFROM ${R}/golang:${V}",
    "ARG F=1\nFROM a:1 AS img1\nFROM img${F} AS b\nFROM b", "ARG S=builder\nFROM a:1 AS builder\nFROM ${S}",
    "FROM ${LATE:-debian:12}", "ARG A\nFROM ${A:-${B:-debian:12}}", "FROM a:1\nRUN <<A\ncat <<B\nFROM b\nB\nA",
    "# escape=`\nFROM a:1\nRUN dir `\n  C:\\\nRUN (echo FROM y)", "FROM ${settings.php}-cli", "FROM @BASE@", "FROM a:1\nCOPY --from=\"0\" a b",
    "FROM --platform=linux/amd64 \\\n  a:1",
])  # fmt: skip
def test_bases_that_are_pinned_in_other_ways(text: str) -> None:
    result = run("docker-base-pinned", {"Dockerfile": text})
    assert result["passed"], result


def test_dockerfiles_that_deploy_nothing_are_said_to() -> None:
    files: dict[str, str | bytes] = {
        ".devcontainer/Dockerfile": "FROM a",
        "tests/docker/Dockerfile": "FROM b\nCOPY . .",
    }
    result = run("docker-base-pinned", files)
    assert result["message"].count("for development or tests") == 2
    assert run("docker-base-pinned", files, skip="^(tests|[.]devcontainer)/")["passed"]
    assert run("ignore-files", {**files, ".gitignore": ""})["passed"]
