"""Text of strangers in comments at code hosts: it is read as it was written, and does nothing."""

from html import unescape

import pytest
from markdown_it import MarkdownIt

from seatrial.control.policies.markdown import plain

COMMENT = "<!-- -->"


@pytest.mark.parametrize(
    "text",
    [
        'a stranger\'s code, "quoted"',
        "R&D <b>bold</b> &#x27; &amp;",
        "@ann #12 https://x.test",
        "*a* `b` [c](d) | e",
    ],
)
def test_it_is_read_as_it_was_written(text: str) -> None:
    shown = MarkdownIt("commonmark", {"html": True}).renderInline(plain(text))
    assert unescape(shown.replace(COMMENT, "")) == text
    assert "<" not in shown.replace(COMMENT, "")
