"""Broken glass in a sentence, the same for pages, forges and REST."""

from seatrial.control.policies.models import Evaluation


def why_it_passes(evaluation: Evaluation) -> str:
    """`glass broken by olga until 2026-12-01 10:00 UTC: why. Without it: failed`; empty where it is not broken."""
    glass = evaluation.glass
    if glass is None:
        return ""
    own = " for a pull request of their own" if glass.own else ""
    return (
        f"glass broken by {glass.by}{own} until {glass.expires_at:%Y-%m-%d %H:%M} UTC: {glass.reason}. "
        f"Without it: {evaluation.beneath}"
    )
