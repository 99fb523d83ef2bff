"""A program's line as a page shows it: its colours as classes of ours, and everything else that a terminal obeys written out."""

import re

from rich.ansi import AnsiDecoder
from rich.color import ColorSystem
from rich.style import Style

from seatrial.wire.visible import COLOUR, TAB, visible

Piece = tuple[str, str]  # classes, text
_SPLIT = re.compile(f"({COLOUR.pattern})")
# Of a terminal's sixteen, the light ones look like the dark ones; black is not to be seen on our paper.
_HUES = ("grey", "red", "green", "yellow", "blue", "magenta", "cyan", "") * 2
_WEIGHTS = ("bold", "dim", "italic", "underline")


def pieces(line: str) -> list[Piece]:
    """`line` in pieces of one look each; one without colours is one piece."""
    line = line.replace("\t", TAB)
    if "\x1b" not in line:
        return [("", visible(line))]
    known = (part if COLOUR.fullmatch(part) else visible(part) for part in _SPLIT.split(line))
    text = AnsiDecoder().decode_line("".join(known))
    made: list[Piece] = []
    end = 0
    for span in text.spans:
        made += [
            ("", text.plain[end : span.start]),
            (_classes(span.style), text.plain[span.start : span.end]),
        ]
        end = span.end
    made.append(("", text.plain[end:]))
    return [piece for piece in made if piece[1]]


def _classes(style: str | Style) -> str:
    if isinstance(style, str):
        return ""
    weights = [f"ansi-{name}" for name in _WEIGHTS if getattr(style, name)]
    color = style.color.downgrade(ColorSystem.STANDARD) if style.color else None
    hue = _HUES[color.number] if color and color.number is not None else ""
    return " ".join([f"ansi-{hue}"] * bool(hue) + weights)
