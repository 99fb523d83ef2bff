"""Text that somebody else wrote, made safe to show: it can neither move a cursor nor hide or reorder what stands beside it.

Log lines, names, titles and messages come from the code under trial. A terminal obeys the control characters among
them, and so a build could print over its own verdict. Here each becomes something to read: `\\x1b`, `\\r`, `<U+202E>`.
"""

import html
import re
import unicodedata
from collections.abc import MutableMapping
from typing import Any

# Letters that nothing is seen of, although Unicode does not count them as formatting.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_OBEYED = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
COLOUR = re.compile(r"\x1b\[[0-9;:]{0,60}m")  # SGR: colours and weights, and nothing that moves anything
TAB = " " * 4
# What a page obeys: control characters, and all that turns the order of letters. Joiners stay, without which emoji fall apart.
_MISLEADING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FIELD = re.compile(r"(<textarea\b.*?</textarea>)", re.DOTALL | re.IGNORECASE)


def visible(text: str) -> str:
    """`text` on one line, with every character that is obeyed or not seen written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_written_out, text))


def visible_line(text: str) -> str:
    """One line that a program printed: its colours are left out, its tabs are blanks, all else is `visible`."""
    return visible(COLOUR.sub("", text).replace("\t", TAB))


def visible_text(text: str) -> str:
    """`visible`, but line breaks and tabs stay: for text of several lines."""
    return _MISLEADING.sub(lambda found: _written_out(found[0]), text)


def visible_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor of log events: the text in one, as `visible_text`."""
    return {name: visible_text(value) if isinstance(value, str) else value for name, value in event.items()}


def visible_markup(markup: str) -> str:
    """`visible_text` for HTML. What people edit in a text field stays as it is, because it is sent back."""
    if _MISLEADING.search(markup) is None:
        return markup
    parts = _FIELD.split(markup)
    return "".join(
        part if place % 2 else _MISLEADING.sub(_in_markup, part) for place, part in enumerate(parts)
    )


def _in_markup(found: re.Match[str]) -> str:
    return html.escape(_written_out(found[0]))


def _written_out(character: str) -> str:
    if character.isprintable() and character not in _UNSEEN:
        return character
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}" if unicodedata.category(character) == "Cc" else character
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it in names
        return f"\\x{code - 0xDC00:02x}"
    if character in _UNSEEN or unicodedata.category(character) in _OBEYED:
        return f"<U+{code:04X}>"
    return character
