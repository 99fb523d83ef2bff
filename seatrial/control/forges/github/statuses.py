"""Commit statuses: GitHub's words for our states."""

from collections.abc import Iterable, Mapping

from seatrial.control.forges.protocol import EvaluationReport, PreviewReport, Subject
from seatrial.wire.states import DeploymentState, EvaluationState

# Branch protection asks for these names, so they never change.
POLICIES, PREVIEW, FLOATS = "seatrial/policies", "seatrial/preview", "seatrial/floats"
NAMES = {
    Subject.COMMIT: POLICIES,
    Subject.PREVIEW: FLOATS,
    Subject.POLICIES: "seatrial/policy-review",
}
MAX_DESCRIPTION = 140

EVALUATIONS = {
    EvaluationState.QUEUED: "pending",
    EvaluationState.RUNNING: "pending",
    EvaluationState.PASSED: "success",
    EvaluationState.FAILED: "failure",
    EvaluationState.ERRORED: "error",
    EvaluationState.TIMED_OUT: "error",
    EvaluationState.SUPERSEDED: "error",
}
# A preview that somebody stopped, or that a newer commit replaced, must not block anybody.
DEPLOYMENTS = {
    DeploymentState.QUEUED: "pending",
    DeploymentState.BUILDING: "pending",
    DeploymentState.STARTING: "pending",
    DeploymentState.LIVE: "success",
    DeploymentState.FAILED: "failure",
    DeploymentState.SUPERSEDED: "success",
    DeploymentState.CANCELLED: "success",
}


def of_evaluation(report: EvaluationReport) -> dict[str, str]:
    """The body of the status of a verdict."""
    return _status(NAMES[report.subject], EVALUATIONS[report.state], report.description, report.page_url)


def of_preview(report: PreviewReport) -> dict[str, str]:
    """The body of the status of a preview. It leads to the preview once that is live."""
    address = next(iter(report.urls.values()), report.page_url)
    return _status(report.named(PREVIEW), DEPLOYMENTS[report.state], report.description, address)


def is_newest(body: Mapping[str, str], newest_first: Iterable[Mapping[str, str]]) -> bool:
    """Whether the newest status of the name that `body` has says the same."""
    return next((one for one in newest_first if one["context"] == body["context"]), None) == body


def _status(context: str, state: str, description: str, address: str) -> dict[str, str]:
    return {"context": context, "state": state, "description": one_line(description), "target_url": address}


def one_line(description: str) -> str:
    """As much of it as GitHub takes, on one line."""
    line = " ".join(description.split())
    return line if len(line) <= MAX_DESCRIPTION else line[: MAX_DESCRIPTION - 1] + "…"
