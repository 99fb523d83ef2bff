"""A program's line on a page: its colours stay, and nothing else of what a terminal obeys."""

import pytest

from seatrial.control.dashboard.coloured import pieces
from seatrial.control.dashboard.templatetags.seatrial import coloured, counted


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", [("", "plain")]),
        ("a \x1b[1;31mred\x1b[0m b", [("", "a "), ("ansi-red ansi-bold", "red"), ("", " b")]),
        ("\x1b[38;5;208morange\x1b[92mgreen", [("ansi-red", "orange"), ("ansi-green", "green")]),
        ("\x1b[38;2;10;200;30mtrue", [("ansi-green", "true")]),
        ("\x1b[30mblack is to be seen", [("ansi-grey", "black is to be seen")]),
        ("\x1b[8mso is what hides\x1b[5;7m!", [("", "so is what hides"), ("", "!")]),
        ("\x1b[32mok\x1b[2K\rno", [("ansi-green", r"ok\x1b[2K\rno")]),
        ("\x1b]0;title\x07\u202etxt", [("", r"\x1b]0;title\x07<U+202E>txt")]),
        ("one\ttwo", [("", "one    two")]),
        ("\x1b[38;5;999m\x1b[38;5m\x1b[;mx", [("", "x")]),
    ],
)
def test_colours_become_classes_and_codes_become_text(line: str, shown: list[tuple[str, str]]) -> None:
    assert pieces(line) == shown


def test_a_code_that_is_too_long_to_be_a_colour_breaks_nothing() -> None:
    assert pieces("\x1b[" + "9" * 9_000 + "mx") == [("", r"\x1b[" + "9" * 9_000 + "mx")]


def test_a_program_writes_no_html() -> None:
    assert coloured("\x1b[31m<b>\x1b[0m\n&") == ('<span class="ansi-red">&lt;b&gt;</span>\n&amp;')


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "line", "1 line"),
        (0, "line", "0 lines"),
        (2, "policy,policies", "2 policies"),
        (1_000, "line", "1,000 lines"),
    ],
)
def test_a_number_goes_with_what_it_counts(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
