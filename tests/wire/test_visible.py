"""What others wrote is shown, and never obeyed."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.wire.visible import visible, visible_line, visible_markup, visible_text, visible_values
from tests.examples import examples


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2K\x1b[1A\u2713 passed", r"\x1b[2K\x1b[1A" + "\u2713 passed"),
        ("failed\rpassed", r"failed\rpassed"),
        ("one\ntwo", r"one\ntwo"),
        ("\x1b]8;;http://evil\x07here", r"\x1b]8;;http://evil\x07here"),
        ("\x9b2J", "<U+009B>2J"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("ma\u200bin", "ma<U+200B>in"),
        ("tag\U000e0061", "tag<U+E0061>"),
        ("one\u2028two", "one<U+2028>two"),
        ("a\u3164b", "a<U+3164>b"),
        ("caf\udce9", r"caf\xe9"),
        ("\x7f\x00", r"\x7f\x00"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_written_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@pytest.mark.parametrize("text", ["", "plain [0]", "naïve café", "日本語", "🚀 ⚠️", "a\u00a0b", "e\u0301"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_programs_colours_are_left_out_of_its_line_and_nothing_else_is() -> None:
    assert (
        visible_line("\x1b[1;31mError\x1b[0m\tin \x1b[38:5:9mmain\x1b[m\x1b[2J") == r"Error    in main\x1b[2J"
    )


def test_what_is_left_out_cannot_put_a_code_together() -> None:
    assert visible_line("\x1b\x1b[0m[2J") == r"\x1b[2J"


@settings(max_examples=examples(15), deadline=None)
@given(st.text())
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    for shown in (visible(text), visible_line(text)):
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        shown.encode()
        assert visible(shown) == shown


def test_text_of_several_lines_keeps_its_lines_and_nothing_else_that_is_obeyed() -> None:
    assert visible_text("one\n\ttwo\x1b[2J \u202etxt.exe\u2066 👩\u200d🚀") == (
        "one\n\ttwo\\x1b[2J <U+202E>txt.exe<U+2066> 👩\u200d🚀"
    )


def test_markup_stays_markup_and_what_is_edited_comes_back_as_it_was() -> None:
    assert visible_markup("<p>a\u202eb</p>\n<textarea>\u202e</textarea>\x9b") == (
        "<p>a&lt;U+202E&gt;b</p>\n<textarea>\u202e</textarea>&lt;U+009B&gt;"
    )


def test_log_events_keep_their_values_and_lose_what_a_terminal_obeys() -> None:
    assert visible_values(None, "info", {"event": "a\x1b[2J", "count": 3}) == {
        "event": r"a\x1b[2J",
        "count": 3,
    }
