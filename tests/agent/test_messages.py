"""What of a program's output goes into a message: what decides, in whole lines and words."""

import pytest

from seatrial.agent.environments.hiding import hidden, message_of
from seatrial.agent.vocabulary.errors import ImageUnavailable, ServiceExited
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


def test_values_of_variables_are_hidden_behind_their_names() -> None:
    variables = {
        "PASSWORD": "hunter22",
        "URL": "postgres://u:hunter22@db",
        "KEY": "-----BEGIN\nabcdef123\n",
        "DEBUG": "true",
    }
    assert hidden("true: postgres://u:hunter22@db refused", variables) == "true: ${URL} refused"
    assert hidden("postgresql", {"USER": "postgres"}) == "postgresql"
    assert hidden("bad password hunter22 for abcdef123", variables) == "bad password ${PASSWORD} for ${KEY}"


def test_only_what_quotes_a_program_is_searched_for_values() -> None:
    variables = {"USER": "postgres"}
    assert message_of(ServiceExited("no role postgres"), variables) == "no role ${USER}"
    assert message_of(ImageUnavailable("postgres:16 is not on the host"), variables).startswith("postgres:16")
