"""What a policy returned, looked at piece by piece: what is wrong with it, and text that can be kept."""

import re
from typing import Any

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Nonsense(Exception):
    """A result has the wrong shape; the text says how."""


def clean(text: str, limit: int) -> str:
    """Text that a database and a page can hold: no NUL, no lone surrogates, cut at `limit` with a note."""
    text = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= limit else text[: limit - 8] + " … (cut)"


def shown(value: Any) -> str:
    """The type of a value and the value, for a message."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) < 80 else text[:76] + ' ...'}"
