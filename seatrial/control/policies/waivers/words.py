"""Waivers in a sentence, the same for pages, forges and REST."""

from django.conf import settings

from seatrial.control.policies.models import Evaluation, Result, Waiver
from seatrial.wire.states import ResultState


def page_url(waiver: Waiver) -> str:
    """Its page."""
    return f"{settings.SITE_URL}/waivers/{waiver.pk}"


def why_waived(result: Result) -> str:
    """`waived by alice until 2026-12-01: generated code`; empty for a result that is not waived."""
    if result.state != ResultState.WAIVED:
        return ""
    return "; ".join(
        f"waived by {one.decided_by} until {one.expires_at:%Y-%m-%d}: {one.reason}"
        for one in sorted(result.waivers.all(), key=lambda one: one.pk)
    )


def what_is_waived(evaluation: Evaluation) -> str:
    """All of an evaluation's waived results in one line; empty without any."""
    if not evaluation.waived:
        return ""
    rows = evaluation.results.filter(state=ResultState.WAIVED).select_related("version__policy")
    return ". ".join(
        f"{row.version.policy.slug} {why_waived(row)}"
        for row in rows.prefetch_related("waivers").order_by("version__policy__slug")
    )
