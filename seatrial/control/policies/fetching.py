"""Which agents fetch code for which evaluations."""

from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project
from seatrial.wire.states import EvaluationState


def may_fetch(agent_id: str, evaluation_id: str) -> Project | None:
    """The project of a running evaluation, if this agent was the last one to report that it took it; else None."""
    running = Evaluation.objects.filter(state=EvaluationState.RUNNING, agent=agent_id)
    evaluation = running.select_related("project__connection").filter(pk=evaluation_id).first()
    return evaluation.project if evaluation is not None else None


def may_be_taken(evaluation_id: str) -> bool:
    """True when an agent may have taken it without our knowing yet: its job is published, and it has not ended."""
    in_progress = Evaluation.objects.filter(state__in=[EvaluationState.QUEUED, EvaluationState.RUNNING])
    return in_progress.filter(pk=evaluation_id).exclude(queued_at=None).exists()


def visits(agent_id: str, evaluation_id: str) -> str:
    """The id of the deployment that a running evaluation of this agent looks at; empty if it has none, or looks at none."""
    running = Evaluation.objects.filter(state=EvaluationState.RUNNING, agent=agent_id, pk=evaluation_id)
    return running.values_list("deployment", flat=True).first() or ""
