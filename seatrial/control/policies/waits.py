"""What an evaluation waits for, and since when, for people."""

from datetime import datetime

from seatrial.control.policies.models import Evaluation
from seatrial.wire.states import EvaluationState


def wait(evaluation: Evaluation) -> tuple[str, datetime] | None:
    """(what reads after "waits for", since when); None for one that has ended."""
    if evaluation.state == EvaluationState.RUNNING:
        return "its policies", evaluation.started_at or evaluation.created_at
    if evaluation.state != EvaluationState.QUEUED:
        return None
    if evaluation.queued_at is None:
        return evaluation.waits_for or "the forge's facts about the repository", evaluation.created_at
    return "an agent to take it", evaluation.queued_at
