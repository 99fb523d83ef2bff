"""Commit statuses: GitLab's words for our states."""

from enum import StrEnum

from seatrial.control.forges.protocol import EvaluationReport, PreviewReport, Subject
from seatrial.wire.states import DeploymentState, EvaluationState

# People read these names in pipelines, so they never change.
POLICIES, PREVIEW, FLOATS = "seatrial/policies", "seatrial/preview", "seatrial/floats"
NAMES = {
    Subject.COMMIT: POLICIES,
    Subject.PREVIEW: FLOATS,
    Subject.POLICIES: "seatrial/policy-review",
}
MAX_DESCRIPTION = 255


class StatusState(StrEnum):
    """GitLab's states of a commit status."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


EVALUATIONS = {
    EvaluationState.QUEUED: StatusState.PENDING,
    EvaluationState.RUNNING: StatusState.RUNNING,
    EvaluationState.PASSED: StatusState.SUCCESS,
    EvaluationState.FAILED: StatusState.FAILED,
    EvaluationState.ERRORED: StatusState.FAILED,
    EvaluationState.TIMED_OUT: StatusState.FAILED,
    EvaluationState.SUPERSEDED: StatusState.CANCELED,
}
# A preview that somebody stopped, or that a newer commit replaced, must not block anybody.
DEPLOYMENTS = {
    DeploymentState.QUEUED: StatusState.PENDING,
    DeploymentState.BUILDING: StatusState.RUNNING,
    DeploymentState.STARTING: StatusState.RUNNING,
    DeploymentState.LIVE: StatusState.SUCCESS,
    DeploymentState.FAILED: StatusState.FAILED,
    DeploymentState.SUPERSEDED: StatusState.SUCCESS,
    DeploymentState.CANCELLED: StatusState.SUCCESS,
}


def of_evaluation(report: EvaluationReport) -> dict[str, str]:
    """The body of the status of a verdict."""
    return _status(NAMES[report.subject], EVALUATIONS[report.state], report.description, report.page_url)


def of_preview(report: PreviewReport) -> dict[str, str]:
    """The body of the status of a preview. It leads to the preview once that is live."""
    address = next(iter(report.urls.values()), report.page_url)
    return _status(report.named(PREVIEW), DEPLOYMENTS[report.state], report.description, address)


def _status(name: str, state: StatusState, description: str, address: str) -> dict[str, str]:
    line = " ".join(description.split())
    if len(line) > MAX_DESCRIPTION:
        line = line[: MAX_DESCRIPTION - 1] + "…"
    return {"name": name, "state": str(state), "description": line, "target_url": address}
