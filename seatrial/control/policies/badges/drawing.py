"""Draws a badge: two words beside each other, as wide as they need to be. Nothing here asks the database."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from django.utils.html import format_html

GREEN_FROM, ORANGE_FROM = 80, 50
PADDING = 6
SIZE = 11  # of the type, in pixels
EM = 2048  # in which the widths below are told
LABEL = "policies"


class Colour(StrEnum):
    """The background of a value. White words stand out from each by 4.5 to 1."""

    GREEN = "#2d7d32"
    ORANGE = "#b35900"
    RED = "#c62828"
    GREY = "#5f6b76"


@dataclass(frozen=True)
class Badge:
    """What a badge says."""

    value: str
    colour: Colour
    label: str = LABEL

    @property
    def words(self) -> str:
        """For those who cannot see it."""
        return f"{self.label}: {self.value}"


# Of Verdana, in which badges are written, and which is wider than what replaces it: nothing is ever cut off.
_WIDTHS = {
    720: " ft", 806: "!t", 562: "il'", 930: "I()[]\\:;/-", 745: ".,J", 874: "r", 1067: "czs", 1212: "kvxy", 1230: "aejL",
    1296: "bdghnopqu", 1676: "w+<>=^~#", 1992: "m%", 2025: "W@", 1726: "MOQGN",
}  # fmt: skip
WIDTHS = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
USUAL, WIDE = 1400, 2048


def badge_of(score: float | None, *, all_passed: bool) -> Badge:
    """The badge of a score; without one it says that there are no data."""
    if score is None:
        return Badge("no data", Colour.GREY)
    if score >= GREEN_FROM or all_passed:
        colour = Colour.GREEN
    else:
        colour = Colour.ORANGE if score >= ORANGE_FROM else Colour.RED
    return Badge(f"{score:g}/100", colour)


def svg(badge: Badge) -> str:
    """The picture. Every word is escaped, whatever it is."""
    label, value = width(badge.label), width(badge.value)
    left, right = label + 2 * PADDING, value + 2 * PADDING
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{words}">'
        "<title>{words}</title>"
        '<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>'
        '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3d4650"/>'
        '<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{size}">'
        '<text x="{start}" y="14" textLength="{label}">{label_text}</text>'
        '<text x="{second}" y="14" textLength="{value}">{value_text}</text></g></svg>\n',
        whole=left + right,
        words=badge.words,
        left=left,
        right=right,
        colour=badge.colour.value,
        size=SIZE,
        start=PADDING,
        label=label,
        label_text=badge.label,
        second=left + PADDING,
        value=value,
        value_text=badge.value,
    )


def width(text: str) -> int:
    """How wide `text` is, in pixels."""
    return max(1, round(sum(map(_width, text)) * SIZE / EM))


def _width(letter: str) -> int:
    if letter.isascii():
        return WIDTHS.get(letter, USUAL if not letter.isdigit() else 1302)
    return WIDE if unicodedata.east_asian_width(letter) in "WF" else USUAL
