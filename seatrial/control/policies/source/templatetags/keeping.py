"""Where a policy is kept, for its page."""

from typing import Any

from django import template

from seatrial.control.policies.models import Policy
from seatrial.control.policies.source.models import Kept, KeptPolicy
from seatrial.control.policies.source.words import file_page

register = template.Library()


@register.simple_tag
def kept_of(policy: Policy) -> dict[str, Any]:
    """What the part of the page shows; nothing for a policy that was never in git."""
    row = KeptPolicy.objects.select_related("source__project__connection").filter(policy=policy).first()
    if row is None:
        return {}
    broken: list[dict[str, Any]] = next(
        (one["broken"] for one in row.source.files if one["path"] == row.path), []
    )
    return {
        "row": row,
        "source": row.source,
        "address": file_page(row.source, row.path),
        "decides": row.standing == Kept.KEPT,
        "gone": row.standing == Kept.GONE,
        "broken": broken,
    }
