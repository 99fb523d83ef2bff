"""Sizes and durations as recipes write them."""

import re

from seatrial.agent.vocabulary.unfit import Unfit
from seatrial.wire.sizes import in_megabytes

DURATIONS = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
LEAST_MEMORY_MB = 6  # the least that the engine accepts


def megabytes(text: object) -> int:
    """Of a container's memory: megabytes of `512m`, `1g`, `1.5GiB` or a number of bytes. Raises Unfit."""
    size = _megabytes(text)
    if size < LEAST_MEMORY_MB:
        raise Unfit(
            f"{text!r} is less than the {LEAST_MEMORY_MB}m a container needs", "Write it like 512m or 1g"
        )
    return int(size)


def file_system_megabytes(text: object) -> int:
    """Of a file system in memory, which may be small. Raises Unfit."""
    return max(1, int(_megabytes(text)))


def _megabytes(text: object) -> float:
    size = in_megabytes(str(text))
    if size is None or isinstance(text, bool):
        raise Unfit(f"{str(text)[:60]!r} is not a size", "Write it like 512m or 1g")
    return size


def seconds(text: object) -> float:
    """Seconds of `30s`, `1m30s`, `500ms` or a number. Raises Unfit."""
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(us|ms|s|m|h|)", str(text).strip())
    whole = "".join(number + unit for number, unit in parts)
    plain = len(parts) == 1 or all(unit for _, unit in parts)
    if not parts or whole != str(text).strip() or not plain or isinstance(text, bool):
        raise Unfit(f"{str(text)[:60]!r} is not a duration", "Write it like 30s or 1m30s")
    return sum(float(number) * DURATIONS[unit] for number, unit in parts)


def cpus(text: object) -> float:
    """A number of CPUs, `0.5` or `"2"`. Raises Unfit."""
    try:
        number = float(str(text))
    except ValueError:
        number = 0.0
    if isinstance(text, bool) or not 0.01 <= number <= 1024:
        raise Unfit(f"{str(text)[:60]!r} is not a number of CPUs", 'Write it like "0.5" or "2"')
    return number
