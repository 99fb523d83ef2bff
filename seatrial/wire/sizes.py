"""Sizes as recipes and settings write them, and as people read them."""

import re

UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def in_megabytes(text: str) -> float | None:
    """Megabytes of `512m`, `1g`, `1.5GiB` or a number of bytes; None if it is no size."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    return float(match[1]) * UNITS[match[2]] / 1024**2 if match is not None else None


def gigabytes(megabytes: int) -> str:
    """`0.5`, `6`, `97.66`: megabytes as a number of GB, for people."""
    return f"{round(megabytes / 1024, 2):g}"
