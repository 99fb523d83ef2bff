"""Which paths policies mean, what paths are for, and who owns them: plain values."""

import time

import pytest

from seatrial.agent.sandboxes.classes import CLASSES, class_of
from seatrial.agent.sandboxes.globs import matcher
from seatrial.agent.sandboxes.listing import chosen
from seatrial.agent.sandboxes.names import Names
from seatrial.agent.sandboxes.owners import owners_of, rules
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.sandboxes.searching import MOST_FOUND, Search

OF_EACH = {
    "vendored": [
        "node_modules/x/test/a.js", "web/vendor/lib.go", "third_party/a.c", ".venv/x.py", "static/jquery-3.1.1.js",
    ],
    "generated": ["package-lock.json", "a/uv.lock", "web/app.min.js", "api/x_pb2.py", "go.sum", "dist/app.js", "a.pb.go"],
    "tests": [
        "tests/test_a.py", "a/tests.py", "test.js", "src/a.spec.ts", "pkg/a_test.go", "src/FooTest.java", "conftest.py",
        "testdata/key.pem", "spec/fixtures/a.json", "app/__tests__/a.tsx", "e2e/login.ts",
    ],
    "documentation": ["README.md", "docs/a.md", "LICENSE", "examples/a.py", "pkg/docs/x.rst", "CHANGELOG.md"],
    "development": [
        ".github/workflows/ci.yml", "Makefile", "scripts/release", ".gitignore", "tox.ini", ".eslintrc.json", "vite.config.ts",
        ".devcontainer/Dockerfile", "Jenkinsfile", "web/.prettierrc",
    ],
    "source": ["main.py", "src/contest.py", "cmd/latest.go", "src/attest/a.go", "Dockerfile", "config.json", "src/inspect.ts", "x" * 2_000],
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "word"), [(path, word) for word, paths in OF_EACH.items() for path in paths]
)
def test_every_path_has_one_class(path: str, word: str) -> None:
    assert class_of(path) == word and word in CLASSES


@pytest.mark.parametrize(("patterns", "path", "matches"), [
    (["*.py"], "a/b.py", True), (["/*.py"], "a/b.py", False), (["a/**/c"], "a/x/y/c", True), (["src/"], "src/a/b", True),
    (["src"], "lib/src/a", True), (["*.py", "!a.py"], "x/a.py", False), (["[ab].txt"], "b.txt", True), (["# x"], "# x", False),
])  # fmt: skip
def test_patterns_mean_what_they_mean_to_git(patterns: list[str], path: str, matches: bool) -> None:
    assert matcher(tuple(patterns))(path) is matches


def test_no_pattern_takes_for_ever() -> None:
    began = time.process_time()
    assert not matcher(("*a" * 200 + "b",))("a" * 4_000)
    Search("(a|a)*(a|aa)+$").look({"x": "a" * 20_000 + "b"})
    assert time.process_time() - began < 20, "hours, for a matcher that goes back"


def test_files_are_chosen_by_pattern_exception_and_class() -> None:
    paths = Names(["a.py", "gen/b.py", "tests/c.py", "vendor/d.py", "e.txt"])
    assert chosen(paths, ["*.py"], ["gen/"]) == ["a.py", "tests/c.py", "vendor/d.py"]
    assert chosen(paths, [], [], ["source", "tests"]) == ["a.py", "gen/b.py", "tests/c.py", "e.txt"]
    with pytest.raises(Unanswerable, match=r"there is no class 'test'.*tests"):
        chosen(paths, [], [], ["test"])


OWNERS = """
* @ann @org/all   # everything
/docs/* docs@example.test
src/ @bob
src/free.py
\\#odd @eve
a\\ b/ @dan
[Data][2] @data
db/
migrations/ @carl
"""


@pytest.mark.parametrize(("path", "owners"), [
    ("x", ["@ann", "@org/all"]), ("docs/a.md", ["docs@example.test"]), ("docs/a/b.md", ["@ann", "@org/all"]),
    ("lib/src/x.py", ["@bob"]), ("src/free.py", []), ("#odd", ["@eve"]), ("a b/c", ["@dan"]),
    ("db/x.sql", ["@ann", "@org/all", "@data"]), ("db/migrations/1.sql", ["@ann", "@org/all", "@carl"]),
])  # fmt: skip
def test_the_last_rule_of_each_section_names_the_owners(path: str, owners: list[str]) -> None:
    assert owners_of(rules(OWNERS), path) == owners


def test_rules_say_where_they_stand() -> None:
    first, *_, last = rules(OWNERS)
    assert (first.pattern, first.line, last.section, last.line) == ("*", 2, "data", 10)


def test_a_search_says_each_line_once_as_git_counts() -> None:
    search = Search(r"(?i)token|key$")
    search.look({"a": "x\x0cToken token\n\nkey\nkey \n", "b": "\u2028é token"})
    assert [(one["path"], one["line"], one["match"]) for one in search.found] == [
        ("a", 1, "Token"), ("a", 3, "key"), ("b", 1, "token"),
    ]  # fmt: skip
    assert search.found[2]["text"] == "\u2028é token"
    many = Search("x")
    many.look({"a": "x\n" * (MOST_FOUND + 3)})
    assert len(many.found) == MOST_FOUND and many.left_out == 3


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "\ud800"])
def test_a_pattern_that_cannot_be_searched_for_says_so(pattern: str) -> None:
    with pytest.raises(Unanswerable, match="cannot be used"):
        Search(pattern)
