"""What a policy is given of a file: its text, however that is encoded, or the reason why it is none."""

import codecs
from typing import Any

from seatrial.agent.sandboxes.unread import BINARY

BOMS = (  # the longer marks first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
MARKS = tuple(mark for mark, _ in BOMS)
SAMPLE = 8000  # bytes or characters at the beginning that decide whether a file is text
WHITE_SPACE = "\t\n\v\f\r"


def readable(blob: bytes | None) -> Any:
    """The text of a blob, or the reason why it is not text. Decoded as a byte order mark (which is removed) says, else as
    UTF-16 if it can only be that, else as UTF-8; invalid bytes become replacement characters."""
    if blob is None:
        return None
    marked = blob.startswith(MARKS)
    mark, encoding = next(pair for pair in BOMS if blob.startswith(pair[0])) if marked else (b"", "")
    text = blob[len(mark) :].decode(encoding or _unmarked(blob), errors="replace")
    return {"unreadable": BINARY} if "\0" in text[:SAMPLE] else text


def _unmarked(blob: bytes) -> str:
    """The encoding of a blob without a mark. In UTF-16, most text has a NUL in every second byte and in no other."""
    sample = blob[:SAMPLE]
    if len(blob) % 2 or b"\0" not in sample:
        return "utf-8"
    for encoding, high, low in (
        ("utf-16-le", sample[1::2], sample[::2]),
        ("utf-16-be", sample[::2], sample[1::2]),
    ):
        if 2 * high.count(0) > len(high) and 0 not in low and _is_prose(sample, encoding):
            return encoding
    return "utf-8"


def _is_prose(sample: bytes, encoding: str) -> bool:
    text = sample.decode(encoding, errors="replace")
    return all(character >= " " or character in WHITE_SPACE for character in text)
