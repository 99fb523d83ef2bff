"""How scores look, on any page."""

from typing import Any, Protocol

from django import template

from seatrial.control.dashboard.states import Face
from seatrial.control.policies.scores import charts, grades
from seatrial.control.policies.scores.models import Basis
from seatrial.control.policies.scores.trends import Trend

register = template.Library()


class Scored(Protocol):
    """What has a score that may have changed; None: nobody knows by how much."""

    @property
    def change(self) -> float | None: ...


_BASES = {
    Basis.DEFAULT_BRANCH: "its default branch",
    Basis.PULL_REQUESTS: "its open pull requests",
    Basis.NOTHING: "nothing yet",
}


@register.filter
def grade_face(score: float | None) -> Face:
    """Tone, icon and word of a score's grade."""
    return grades.grade_face(score)


@register.filter
def made_of(basis: str) -> str:
    """What a score is made of, in words."""
    return _BASES[Basis(basis)]


@register.inclusion_tag("scores/parts/chart.html")
def score_chart(trend: Trend, prefix: str = "chart") -> dict[str, Any]:
    """A chart, and beside it the same numbers as a table."""
    known = [(day, score) for day, score in trend.days if score is not None]
    return {
        "trend": trend,
        "prefix": prefix,
        "charts": {"wide": charts.chart(trend.days), "narrow": charts.narrow(trend.days)},
        "known": known[::-1],
        "lowest": min(known, key=lambda one: one[1], default=None),
        "highest": max(known, key=lambda one: one[1], default=None),
    }


@register.inclusion_tag("scores/parts/spark.html")
def score_spark(trend: Trend) -> dict[str, Any]:
    """A small line; the cells beside it say what it shows."""
    return {"chart": charts.spark(trend.days)}


@register.inclusion_tag("scores/parts/change.html")
def score_change(scored: Scored) -> dict[str, Any]:
    """By how much it changed, with a sign and a word."""
    change = scored.change
    return {"change": change, "size": None if change is None else f"{abs(change):g}"}
