"""`project.files`: paths stay with the host, and a policy is given what it asked for."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.agent.sandboxes import filing
from seatrial.agent.sandboxes.globs import matcher
from seatrial.agent.sandboxes.listing import matching
from seatrial.agent.sandboxes.literals import Literals
from seatrial.agent.sandboxes.names import Names
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.sandbox.files import Files
from seatrial.sandbox.project import Project

FILES = {
    "README.md": "x",
    "src/a.py": "",
    "src/deep/b.PY": "12345",
    "tests/test_a.py": "1",
    "é/ü.py": "",
    "odd\n.py": "1",
}
PATHS = st.text("ab./-\n\udcffé", min_size=1, max_size=12)


@pytest.fixture
def files() -> Iterator[Files]:
    """Those of FILES, asked for as a policy asks."""
    with asyncio.Runner() as runner:
        answers = Literals({"files": FILES})
        yield Project(lambda method, arguments: runner.run(answers.answer([method, arguments]))[0]).files


def test_files_are_counted_and_looked_up(files: Files) -> None:
    assert len(files) == files.count() == 6
    assert files.count(r"\.py$") == 4
    assert files.count(r"\.py$", unless="^tests/") == 3
    assert "src/a.py" in files and "src/" in files and "src/deep/" in files and "é/" in files
    assert "src" not in files and "src/a" not in files and "a.py" not in files and 1 not in files
    assert files.among(["src/a.py", "no", "tests/"]) == {"src/a.py", "tests/"}


def test_files_are_matched_by_expressions(files: Files) -> None:
    assert files.matching(r"\.py$", unless="^src/") == ["odd\n.py", "tests/test_a.py", "é/ü.py"]
    assert files.matching(re.compile(r".*\.py", re.IGNORECASE), whole=True, most=3) == [
        "odd\n.py", "src/a.py", "src/deep/b.PY",
    ]  # fmt: skip
    assert files.matching("/a|_a") == ["src/a.py", "tests/test_a.py"]
    assert files.matching("src/a|README.md", whole=True) == ["README.md"]
    assert files.matching("/[^y]*/") == ["src/deep/b.PY"], "an expression never leaves its path"


def test_sizes_are_of_those_that_are_meant(files: Files) -> None:
    assert files.sizes(r"\.py$", above=0) == {"odd\n.py": 1, "tests/test_a.py": 1}
    assert files.sizes(below=1) == {"src/a.py": 0, "é/ü.py": 0}
    assert files.sizes_of(["README.md", "no", "src/"]) == {"README.md": 1}


def test_all_are_given_in_parts(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "PART", 10)
    assert list(files) == sorted(FILES)


def test_what_is_wrong_with_an_expression_is_said(files: Files) -> None:
    with pytest.raises(Unanswerable, match=r"cannot be used: invalid perl operator.*RE2"):
        files.matching("(?!x)")
    with pytest.raises(Unanswerable, match=r"\^ and \$ are the ends of a path"):
        files.matching(r"\Aa")
    with pytest.raises(ValueError, match="verbose"):
        files.count(re.compile("a b", re.VERBOSE))
    with pytest.raises(TypeError, match="a pattern must be a str, not int"):
        files.matching(1)  # type: ignore[arg-type]
    with pytest.raises(Unanswerable, match="cannot be used"):
        files.matching("a)|(b")


@given(
    st.lists(PATHS, unique=True).map(sorted),
    st.sampled_from([r"a$", r"^a", r"a.*b", r"[^a]b", r"(?i)A", r"(^|/)a/", r"\.", r"é", r"a|^b$"]),
)
def test_one_search_finds_what_one_for_each_path_finds(paths: list[str], pattern: str) -> None:
    names = Names(paths)
    expected = [path for path in paths if Names([path]).meant(pattern)]
    assert names.meant(pattern) == expected and names.count(pattern) == len(expected)
    plain = [path for path in expected if "\n" not in path and path.isascii()]
    assert plain == [p for p in paths if "\n" not in p and p.isascii() and re.search(pattern, p)]


@given(
    st.lists(PATHS.filter(lambda path: "//" not in path and path[0] != "/"), unique=True).map(sorted),
    st.lists(st.sampled_from(["a", "*.a", "/a", "a/", "a/**/b", "!b", "#", "[ab]", "*", "b*/"]), min_size=1),
)
def test_patterns_of_paths_match_at_once_what_they_match_one_by_one(
    paths: list[str], patterns: list[str]
) -> None:
    plain = [path for path in paths if "\n" not in path]
    assert matching(Names(plain), patterns) == list(filter(matcher(tuple(patterns)), plain))


def test_a_broken_pattern_of_paths_is_no_expression() -> None:
    with pytest.raises(Unanswerable, match="no pattern of paths"):
        matching(Names(["a"]), ["[z-a]"])
