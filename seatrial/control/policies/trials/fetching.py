"""Which agents fetch code for which trials."""

from seatrial.control.policies.models import Trial
from seatrial.control.projects.models import Project
from seatrial.wire.states import TrialState


def may_fetch(agent_id: str, trial_id: str) -> Project | None:
    """The project of a running trial, if this agent was the last one to report that it took it; else None."""
    running = Trial.objects.filter(state=TrialState.RUNNING, agent=agent_id)
    trial = running.select_related("project__connection").filter(pk=trial_id).first()
    return trial.project if trial is not None else None


def may_be_taken(trial_id: str) -> bool:
    """True when an agent may have taken it without our knowing yet: its job is published, and it has not ended."""
    in_progress = Trial.objects.filter(state__in=[TrialState.QUEUED, TrialState.RUNNING])
    return in_progress.filter(pk=trial_id).exclude(queued_at=None).exists()


def visits(agent_id: str, trial_id: str) -> str:
    """The id of the deployment that a running trial of this agent looks at; empty if it has none, or looks at none."""
    running = Trial.objects.filter(state=TrialState.RUNNING, agent=agent_id, pk=trial_id)
    return running.values_list("deployment", flat=True).first() or ""
