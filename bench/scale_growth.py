"""How what `bench.scale` measures grows with the number of previews."""

import math
from collections.abc import Mapping

MOST = 1.25  # the exponent from which on it grows faster than the fleet, and not by chance
# Below these, what is measured is mostly noise.
NOISE = {"s": 1.0, "ms": 30.0, "MB": 20.0, "KB": 20.0, "": 3.0}
BARS = " ▁▂▃▄▅▆▇█"
Found = Mapping[int, Mapping[str, tuple[str, float]]]  # by size, {what: (unit, how much)}


def exponent(values: Mapping[int, float]) -> float:
    """The slope of a line through the logarithms: 1 is linear, 2 is quadratic, 0 does not grow."""
    points = [(math.log(size), math.log(max(value, 1e-3))) for size, value in values.items()]
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    across = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / across if across else 0.0


def superlinear(found: Found) -> list[str]:
    """A sentence for each thing that grows faster than the number of previews."""
    sentences = []
    for what, (unit, values) in _by_what(found).items():
        grows = exponent({size: max(value, NOISE[unit]) for size, value in values.items()})
        if grows > MOST:
            told = ", ".join(
                f"{value:.0f} {unit} at {size}".replace("  ", " ") for size, value in values.items()
            )
            sentences.append(f"{what} grows with the {grows:.2f}th power of the number of previews: {told}.")
    return sentences


def chart(found: Found) -> str:
    """A line for each thing: how it grows from size to size, with the exponent, and all values."""
    lines = [f"{'':>58}  exponent  {'  '.join(f'{size:>9,}' for size in found)}"]
    for what, (unit, values) in _by_what(found).items():
        most = max(values.values()) or 1
        bars = "".join(BARS[round(value / most * (len(BARS) - 1))] for value in values.values())
        told = "  ".join(f"{value:9.1f}" for value in values.values())
        lines.append(f"{what[:58]:>58}  {bars} {exponent(values):5.2f} {told} {unit}")
    return "\n".join(lines) + "\n"


def _by_what(found: Found) -> dict[str, tuple[str, dict[int, float]]]:
    """Only what was measured at every size."""
    common = [
        what for what in next(iter(found.values()), {}) if all(what in there for there in found.values())
    ]
    return {
        what: (found[next(iter(found))][what][0], {size: there[what][1] for size, there in found.items()})
        for what in common
    }
