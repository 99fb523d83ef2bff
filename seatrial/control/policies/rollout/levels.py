"""Levels by the words that people type."""

import difflib

from seatrial.control.policies.errors import NoSuchLevel
from seatrial.wire.states import Level
from seatrial.wire.visible import visible


def level_named(word: str) -> Level:
    """The level of this name. Raises NoSuchLevel."""
    plain = word.strip().lower()
    if plain in list(Level):
        return Level(plain)
    near = difflib.get_close_matches(plain, list(Level), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NoSuchLevel(f"There is no level {visible(word)[:100]}.{hint} There are: {', '.join(Level)}.")
