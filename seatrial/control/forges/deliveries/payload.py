"""The body of a delivery, for people to read."""

import json

from seatrial.control.forges.models import Delivery

SHOWN = 256 * 1024  # characters


def text_of(row: Delivery) -> str:
    """The first SHOWN characters of the body, as it came."""
    return bytes(row.body)[: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN]


def pretty(row: Delivery) -> str:
    """The same, indented if it is JSON and not too long for that."""
    text = text_of(row)
    if len(row.body) > SHOWN:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)[:SHOWN]
    except (ValueError, RecursionError):
        return text
