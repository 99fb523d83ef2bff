"""What of a program's output goes into a message: what decides, in whole lines and words."""

import pytest

from seatrial.agent.vocabulary.logs import decisive, first_words, last_lines


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["Traceback (most recent call last):", '  File "app.py", line 1', "ModuleNotFoundError: No module named 'flask'"], "ModuleNotFoundError: No module named 'flask'"),
        (["throw err;", "Error: Cannot find module 'x'", "    at Module._load", "Node.js v18"], "Error: Cannot find module 'x'"),
        (["starting", "Error: first", "restarting", "fatal: second", "bye"], "fatal: second"),
        (["\x1b[31mError: red\x1b[0m", "plain"], "Error: red"),
        (["one", "two", "  "], "two"),
        ([], ""),
    ],
)  # fmt: skip
def test_the_line_that_says_why(lines: list[str], line: str) -> None:
    assert decisive(lines) == line


def test_no_address_is_cut() -> None:
    long = "connecting to https://db.example.com:5432/shop refused " * 20
    assert set(first_words(long).removesuffix("...").split()) == {*long.split()}
    assert set(last_lines(long).removeprefix("... ").split()) == {*long.split()}
    assert len(first_words(long)) <= 300 and len(last_lines(long)) <= 304


def test_last_lines_are_whole() -> None:
    text = "\n".join(f"line {number} {'x' * 100}" for number in range(9))
    assert last_lines(text).splitlines() == text.splitlines()[-2:]
    assert last_lines("short\nand sweet\n") == "short\nand sweet"
    assert first_words("as it is") == "as it is"
