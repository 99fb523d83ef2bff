"""Where the lines of a chart go: plain numbers, which templates draw as SVG. No script draws anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Points = Sequence[tuple[date, float | None]]
HIGHEST = 100.0
LEVELS = (0, 50, 70, 90, 100)  # the grades begin at those in the middle


@dataclass(frozen=True)
class Tick:
    """A line or a word at one place of an axis."""

    at: float
    word: str


@dataclass(frozen=True)
class Chart:
    """A chart in its own units. `dots` are days whose neighbours have no score: a line would not show them."""

    width: int
    height: int
    left: int
    bottom: float
    path: str
    dots: list[tuple[float, float]]
    last: tuple[float, float] | None
    levels: list[Tick]
    days: list[Tick]


def chart(
    points: Points, *, width: int = 720, height: int = 220, left: int = 34, foot: int = 24, words: int = 5
) -> Chart:
    """A line from the first day to the last, broken where a day has no score; so many days have their date below them."""
    inner, top = (width - left - 12, height - foot - 10), 10.0

    def x(day: date) -> float:
        span = max((points[-1][0] - points[0][0]).days, 1)
        return round(left + inner[0] * (day - points[0][0]).days / span, 1)

    def y(score: float) -> float:
        return round(top + inner[1] * (1 - score / HIGHEST), 1)

    runs = _runs(points)
    placed = [[(x(day), y(score)) for day, score in run] for run in runs]
    return Chart(
        width=width,
        height=height,
        left=left,
        bottom=y(0),
        path=" ".join(
            "M" + " L".join(f"{at},{height}" for at, height in run) for run in placed if len(run) > 1
        ),
        dots=[run[0] for run in placed if len(run) == 1],
        last=placed[-1][-1] if placed else None,
        levels=[Tick(y(level), str(level)) for level in LEVELS],
        days=[Tick(x(day), f"{day:%-d %b}") for day in _named(points, words)],
    )


def narrow(points: Points) -> Chart:
    """The same for the window of a phone, where a wide one would be too small to read."""
    return chart(points, width=300, height=190, words=3)


def spark(points: Points) -> Chart:
    """A chart as high as a line of text, without words."""
    return chart(points, width=120, height=32, left=2, foot=0, words=1)


def _runs(points: Points) -> list[list[tuple[date, float]]]:
    """The days that have a score, in groups of days that follow each other."""
    runs: list[list[tuple[date, float]]] = []
    for day, score in points:
        if score is None:
            continue
        if not runs or runs[-1][-1][0] != day - timedelta(days=1):
            runs.append([])
        runs[-1].append((day, score))
    return runs


def _named(points: Points, most: int) -> list[date]:
    """At most so many days, at equal distances, with the first and the last."""
    if not points:
        return []
    number = min(most - 1, len(points) - 1)
    if number < 1:
        return [points[0][0]]
    return [points[round(index * (len(points) - 1) / number)][0] for index in range(number + 1)]
