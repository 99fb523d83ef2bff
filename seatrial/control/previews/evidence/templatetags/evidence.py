"""Filters: how much differs, sizes, and what a screenshot is compared with."""

from django import template

from seatrial.control.dashboard.templatetags.seatrial import duration
from seatrial.control.previews.evidence.models import ComparedWith

register = template.Library()
COMPARED = {
    ComparedWith.BASE_BRANCH: "Compared with the preview of its base branch",
    ComparedWith.MERGED: "Compared with what was merged last into its base branch",
    ComparedWith.PREVIOUS: "Compared with the deployment before",
}
LEAST = 0.01


@register.filter
def percent(value: float) -> str:
    """A share that is never rounded to nothing."""
    return f"under {LEAST:g} %" if 0 < value < LEAST else f"{value:.2f} %"


@register.filter
def compared_with(value: str) -> str:
    """What it is, for people."""
    return COMPARED.get(ComparedWith(value), "")


@register.filter
def size(value: int | None) -> str:
    """Bytes in megabytes."""
    return "unknown" if value is None else f"{value / 1e6:,.1f} MB"


@register.filter
def grown(before: int | None, after: int | None) -> str:
    """By how much, in brackets; nothing if it is not known or the same."""
    if before is None or after is None or before == after:
        return ""
    return f" ({(after - before) / 1e6:+,.1f} MB)"


@register.filter
def slower(before: float | None, after: float | None) -> str:
    """By how much the later one is slower, or faster."""
    if before is None or after is None:
        return ""
    return ("+" if after >= before else "-") + str(duration(abs(after - before)))
